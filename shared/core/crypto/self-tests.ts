/** The known-answer tests that `doctor` runs. */
import type { SelfTest } from '../workspace/doctor.ts'
import { selfTest } from './primitives/index.ts'

export const selfTests: readonly SelfTest[] = [selfTest]
