/** What the policy knows of the past, as the posture engine asks for it. */

/** One kind of refusal on one connection, with how often and when. */
export interface Refusal {
  readonly partner: string
  readonly connection: string
  readonly direction: string
  /** A rule of the policy, or the code of the refusal. */
  readonly rule: string
  readonly seen: string
  readonly asked: string
  readonly exception: string | null
  readonly firstAt: string
  readonly lastAt: string
  readonly times: number
  readonly delivery: string | null
}
