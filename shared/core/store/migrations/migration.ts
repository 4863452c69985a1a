/** One step forward. Each runs in a transaction of its own, which also sets `user_version` to its number. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
}
