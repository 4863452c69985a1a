/** How every streaming reader answers: provisional content, and a result that only settles at the very end. */
import { CmsError } from './errors.ts'

/** `content` is provisional until `result` resolves, which happens only when it was complete and authentic. */
export interface Opened<Report> {
  readonly content: AsyncIterable<Uint8Array>
  readonly result: Promise<Report>
}

/** Wraps a generator whose return value is the report. `abandoned` makes the error of a reader that broke off. */
export function openedFrom<Report>(run: AsyncGenerator<Uint8Array, Report>, abandoned: () => Error = () => new CmsError('cms.abandoned', 'the content was not read to its end')): Opened<Report> {
  let resolve: (report: Report) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const result = new Promise<Report>((yes, no) => {
    resolve = yes
    reject = no
  })
  // who iterates `content` sees the same error there; awaiting `result` as well must stay optional
  result.catch(() => undefined)
  async function* flow(): AsyncGenerator<Uint8Array, void> {
    let finished = false
    try {
      for (;;) {
        const next = await run.next()
        if (next.done === true) {
          finished = true
          resolve(next.value)
          return
        }
        yield next.value
      }
    } catch (error) {
      finished = true
      reject(error)
      throw error
    } finally {
      if (!finished) {
        reject(abandoned())
        await run.return(undefined as never).catch(() => undefined)
      }
    }
  }
  return { content: flow(), result }
}

/** Gathers a stream in memory; its chunks may be lent. Throws `cms.too_large` when it has more than `maxBytes`. */
export async function collect(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let total = 0
  for await (const chunk of source) {
    total += chunk.length
    if (total > maxBytes) throw new CmsError('cms.too_large', `the content is larger than ${maxBytes} bytes`)
    parts.push(Buffer.from(chunk))
  }
  return Buffer.concat(parts, total)
}
