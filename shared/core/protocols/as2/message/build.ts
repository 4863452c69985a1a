/** Builds a message once: MIME entity, layers, headers and MICs, as one stream in constant memory. */
import { writeAs2Id } from './as2-id.ts'
import { planBuild, type BuildPlan } from './build-plan.ts'
import type { BuildOptions, BuildReport, BuiltMessage } from './build-options.ts'
import { safeHeader, type HeaderPair } from './header-fields.ts'
import { checkMessageId, newMessageId } from './message-id.ts'
import { withHeaders } from './mime-writer.ts'
import { receiptHeaders } from './receipt-request.ts'

/**
 * The message as it will be stored and posted. Throws MessageError at once for options that cannot be; keys and algorithms
 * that the codec refuses end `body` with a CmsError.
 */
export function buildMessage(options: BuildOptions): BuiltMessage {
  const plan = planBuild(options)
  const messageId = checkMessageId(options.messageId ?? newMessageId(options.date === undefined ? {} : { at: options.date }))
  const headers = withHeaders(messageHeaders(options, plan, messageId), (options.extraHeaders ?? []).map(([name, value]) => safeHeader(name, value)))
  const { body, report } = streamed(plan)
  return { messageId, headers, layers: plan.layers, body, report }
}

function messageHeaders(options: BuildOptions, plan: BuildPlan, messageId: string): HeaderPair[] {
  const { as2Version = '1.2', features = ['multiple-attachments'] } = options
  const announces = Number(as2Version) >= 1.2 && features.length > 0
  const receipt = options.receipt === undefined ? [] : receiptHeaders({ spelling: plan.quirks.micSpelling, ...options.receipt }, plan.digest)
  return [
    safeHeader('AS2-Version', as2Version),
    ...(options.product === undefined ? [] : [safeHeader('AS2-Product', options.product)]),
    ...(announces ? [safeHeader('EDIINT-Features', features.join(', '))] : []),
    safeHeader('AS2-From', writeAs2Id(options.as2From)),
    safeHeader('AS2-To', writeAs2Id(options.as2To)),
    safeHeader('Message-ID', messageId),
    safeHeader('Date', (options.date ?? new Date()).toUTCString()),
    safeHeader('Subject', options.subject ?? 'AS2 message'),
    ...(options.from === undefined ? [] : [safeHeader('From', options.from)]),
    safeHeader('User-Agent', options.userAgent ?? 'Waybill'),
    safeHeader('MIME-Version', '1.0'),
    ...outerHead(plan).map(([name, value]) => safeHeader(name, value)),
    ...receipt,
  ]
}

/** In HTTP binary is the default, and some products reject the transfer encoding there (mendelson, Drummond). */
function outerHead({ outermost }: BuildPlan): HeaderPair[] {
  return outermost.head.filter(([name, value]) => !/^content-(transfer-encoding|description)$/i.test(name) || value === 'base64')
}

function streamed(plan: BuildPlan): Pick<BuiltMessage, 'body' | 'report'> {
  let resolve: (report: BuildReport) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const report = new Promise<BuildReport>((yes, no) => {
    resolve = yes
    reject = no
  })
  // whoever iterates the body sees the same error there
  report.catch(() => undefined)
  let bodyBytes = 0
  async function* flow(): AsyncGenerator<Uint8Array, void> {
    let complete = false
    try {
      for await (const chunk of plan.outermost.content()) {
        if (chunk.length === 0) continue
        bodyBytes += chunk.length
        yield chunk
      }
      resolve({ bodyBytes, mics: await plan.mics(), payloads: plan.payloads() })
      complete = true
    } catch (error) {
      complete = true
      reject(error)
      throw error
    } finally {
      if (!complete) reject(new Error('the body was not read to its end'))
    }
  }
  return { body: flow(), report }
}
