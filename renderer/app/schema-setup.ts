/** Imported before anything else: the schema library may otherwise probe for `eval`, which our content policy reports. */
import { z } from 'zod'

z.config({ jitless: true })
