import { catalogue } from './spec.ts'

/** Posture in hardened mode. */
export const postureErrors = catalogue({
  'posture.blocked': {
    retry: 'never', exit: 4,
    title: 'An open finding forbids the exchange',
    happened: 'Hardened mode is on, and an error about this partner\'s keys or servers is open. Nothing was sent or received.',
    todo: ['Open "Posture": it says what was found, and opens the screen that mends it.', 'If it is tolerable for a while, suppress it there with a reason and an end date.', 'Hardened mode itself is switched under "Policy".'],
  },
})
