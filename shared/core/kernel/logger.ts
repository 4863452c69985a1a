/** Structured log lines for people who look after an installation. Payloads and secrets never go in. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Logger {
  log(level: LogLevel, message: string, facts?: Readonly<Record<string, string | number | boolean | null>>): void
}

/** Writes one JSON document a line to a stream (standard error, or a file). */
export function streamLogger(stream: { write(text: string): unknown }, least: LogLevel = 'info'): Logger {
  const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
  return {
    log(level, message, facts = {}) {
      if (order.indexOf(level) < order.indexOf(least)) return
      stream.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...facts })}\n`)
    },
  }
}

export const silentLogger: Logger = { log: () => undefined }
