import { killedAtEveryPartner, killReceives } from './killing.ts'

killedAtEveryPartner('what was being collected is released exactly once and whole', killReceives)
