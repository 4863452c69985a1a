/** One step forward. Each runs in a transaction of its own, which also sets `user_version` to its number. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
  /** What grows with a table and comes after `sql`, in the same transaction: page by page, so that somebody can be told how far it is. */
  readonly fill?: {
    readonly table: string
    /** A unique column of text; the pages go by it. */
    readonly key: string
    /** Takes the rows behind `@after` up to and with `@until`. */
    readonly sql: string
  }
}
