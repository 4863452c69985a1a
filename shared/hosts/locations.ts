/** Where the parts of an installation lie, from the sources (tests, development) and from the built core alike. */
import { fileURLToPath } from 'node:url'

const fromSources = import.meta.url.endsWith('.ts')
const locate = (source: string, built: string): string => fileURLToPath(new URL(fromSources ? source : built, import.meta.url))

/** The built window: `index.html` and its assets. */
export const RENDERER_FOLDER = locate('../../dist/renderer', '../renderer')
/** Entry of the practice partner's process. */
export const PRACTICE_ENTRY = locate('../practice/main.ts', 'practice.js')
/** An order as a small business sends it. */
export const SAMPLE_FILE = locate('../../resources/samples/orders.edi', '../../resources/samples/orders.edi')
