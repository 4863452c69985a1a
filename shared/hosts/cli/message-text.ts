/** An AS2 message and its receipts for a person at a terminal; `--json` has every field. */
import type { MessageView, ReceiptView } from '../../contract/as2.ts'
import { table } from './output.ts'

export function messageText(message: MessageView): string {
  const { layers, mics, refusal } = message
  const rows: readonly (readonly [string, string])[] = [
    ['AS2 message', message.messageId],
    ['From', message.as2From],
    ['To', message.as2To],
    [message.direction === 'outbound' ? 'Built' : 'Received', message.at],
    ['Layers', layers.length === 0 ? 'none' : layers.join(', then ')],
    ...message.facts.map(({ label, value }) => [label, value] as const),
    ['Body', `${message.bodyBytes} bytes, SHA-256 ${message.bodySha256}`],
    ...(mics[0] === undefined ? [] : ([['MIC, ours', `${mics[0].value}, ${mics[0].algorithm}`]] as const)),
    ...(refusal === null ? [] : ([['Refused', `${refusal.disposition} (${refusal.reason}: ${refusal.detail})`]] as const)),
  ]
  return [table(rows.map((row) => [...row])), '', 'Headers', headersText(message.headers), ...message.receipts.flatMap((receipt) => ['', receiptViewText(receipt, message.direction)])].join('\n')
}

function receiptViewText(receipt: ReceiptView, direction: MessageView['direction']): string {
  const rows: readonly (readonly [string, string])[] = [
    [direction === 'outbound' ? 'Receipt (theirs)' : 'Receipt (ours)', `${receipt.mode}, ${receipt.at}`],
    ['Says', receipt.disposition],
    ['Verdict', receipt.verdict],
    ...receipt.reasons.map((reason) => ['', reason] as const),
    ['Signed', receipt.signed ? (receipt.signer ?? 'yes') : 'no'],
    ['MIC in it', receipt.mic ?? 'none'],
  ]
  return `${table(rows.map((row) => [...row]))}\n${headersText(receipt.headers)}`
}

function headersText(headers: MessageView['headers']): string {
  // Received headers are the other side's text: nothing of it may act on a terminal.
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is removed
  return headers.map(({ name, value }) => `  ${name}: ${value}`.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ')).join('\n')
}
