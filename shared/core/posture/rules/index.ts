/** Every rule. */
import type { Rule } from '../rule.ts'
import { approvalRules } from './approval.ts'
import { agreedRules } from './agreed.ts'
import { authRules } from './auth.ts'
import { flowRunRules } from './flow-runs.ts'
import { flowRules } from './flow.ts'
import { keepingRules } from './keeping.ts'
import { keyRules } from './keys.ts'
import { lifecycleRules } from './lifecycle.ts'
import { observedRules } from './observed.ts'
import { platformRules } from './platform.ts'
import { refusedRules } from './refused.ts'
import { transportRules } from './transport.ts'

export const RULES: readonly Rule[] = [...lifecycleRules, ...keyRules, ...agreedRules, ...observedRules, ...refusedRules, ...transportRules, ...authRules, ...platformRules, ...flowRules, ...flowRunRules, ...keepingRules, ...approvalRules]
