/** What we use of the encrypted SQLite binding, whose own typings its `exports` do not reach. */
declare module 'better-sqlite3-multiple-ciphers' {
  namespace Sqlite {
    interface RunResult {
      readonly changes: number
    }
    interface Statement {
      /** It writes nothing. */
      readonly readonly: boolean
      get(...values: unknown[]): unknown
      all(...values: unknown[]): unknown[]
      run(...values: unknown[]): RunResult
    }
    interface Transaction<T> {
      (): T
      /** Takes the write lock at once. */
      immediate(): T
    }
    interface Database {
      readonly inTransaction: boolean
      readonly open: boolean
      prepare(sql: string): Statement
      transaction<T>(action: () => T): Transaction<T>
      exec(sql: string): this
      pragma(source: string, options?: { readonly simple?: boolean }): unknown
      close(): this
    }
  }
  const Sqlite: new (file: string, options?: { readonly timeout?: number; readonly readonly?: boolean }) => Sqlite.Database
  export default Sqlite
}
