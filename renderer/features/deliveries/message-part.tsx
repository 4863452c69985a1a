import { useState } from 'react'
import type { MessageView, ReceiptView } from '../../../shared/contract/as2.ts'
import { absoluteText, bytesText } from '../../lib/format.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { Card } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { factName } from './fact-names.ts'
import { verdictWords } from './message-words.ts'
import css from './deliveries.module.css'
import ui from '../../ui/ui.module.css'

/** The AS2 message of a delivery and its receipts; nothing for other protocols. */
export function MessagePart({ delivery }: { readonly delivery: string }) {
  const message = useCall(`as2.message ${delivery}`, async (client) => (await client.as2.message({ delivery })).message, (client, changed) => client.deliveries.onChanged(changed))
  return message.data === undefined || message.data === null ? null : <Message message={message.data} delivery={delivery} />
}

function Message({ message, delivery }: { readonly message: MessageView; readonly delivery: string }) {
  const { layers, facts, mics, receipts, refusal, headers } = message
  const outbound = message.direction === 'outbound'
  return (
    <>
      <Card title="AS2 message">
        <div className={ui['stack']}>
          <Facts
            items={[
              ['Message', <Copyable key="id" value={message.messageId} label="message id" />],
              ['From', message.as2From],
              ['To', message.as2To],
              [outbound ? 'Built' : 'Received', absoluteText(message.at)],
              ['Layers, outermost first', layers.length === 0 ? 'none: unprotected' : layers.join(', then ')],
              ...facts.map(({ label, value }) => [factName(label), value] as const),
              ['Body', `${bytesText(message.bodyBytes)}, SHA-256 ${message.bodySha256}`],
              ['Refused', refusal === null ? null : `${refusal.disposition}: ${refusal.detail}`],
            ]}
          />
          {mics.length > 0 ? (
            <table className={css['mics']}>
              <caption className={ui['label']}>{outbound ? 'Content checks (MIC) that the partner may rightly answer, the expected one first' : 'Content check (MIC) that we answered'}</caption>
              <thead>
                <tr>
                  <th scope="col">Value</th>
                  <th scope="col">Digest</th>
                  <th scope="col">Over</th>
                </tr>
              </thead>
              <tbody>
                {mics.map(({ algorithm, over, form, value }) => (
                  <tr key={`${algorithm} ${over} ${form}`}>
                    <td className="mono">{value}</td>
                    <td>{algorithm}</td>
                    <td>
                      {over}
                      {form === '' ? '' : `, ${form}`}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : null}
          <Raw title="Headers as they travelled" text={headersText(headers)} />
          <WriteRaw delivery={delivery} what="message" />
        </div>
      </Card>
      {receipts.map((receipt, index) => (
        <Card key={`${receipt.at} ${receipt.sha256}`} title={outbound ? 'Receipt (MDN) of the partner' : 'Receipt (MDN) that we gave'}>
          <div className={ui['stack']}>
            <Receipt receipt={receipt} ours={mics[0]?.value} outbound={outbound} />
            {index === 0 ? <WriteRaw delivery={delivery} what="mdn" /> : null}
          </div>
        </Card>
      ))}
    </>
  )
}

function Receipt({ receipt, ours, outbound }: { readonly receipt: ReceiptView; readonly ours: string | undefined; readonly outbound: boolean }) {
  const { tone, word } = verdictWords(receipt.verdict)
  return (
    <div className={ui['stack']}>
      <div className={ui['row']}>
        <Status tone={tone}>{word}</Status>
        <span className="quiet">{receipt.reasons.join(' ')}</span>
      </div>
      <Facts
        items={[
          [outbound ? 'Came' : 'Given', `${absoluteText(receipt.at)}, ${receipt.mode === 'sync' ? 'in the answer to the message' : 'posted later'}`],
          ['Says', receipt.disposition],
          ['Signed by', receipt.signed ? (receipt.signer ?? (outbound ? 'a certificate that is not known' : 'us')) : 'nobody'],
          ['MIC, ours', outbound ? ours : receipt.mic],
          ['MIC, theirs', outbound ? (receipt.mic ?? 'none') : null],
          ['Its message id', receipt.messageId],
        ]}
      />
      <Raw title="Raw receipt" text={`${headersText(receipt.headers)}\n\n${receipt.text}`} />
    </div>
  )
}

/** To a file of its own, byte for byte: for a dispute, or for the partner's support. */
function WriteRaw({ delivery, what }: { readonly delivery: string; readonly what: 'message' | 'mdn' }) {
  const { client } = useHost()
  const action = useAction()
  const [written, setWritten] = useState<{ readonly path: string; readonly bytes: number; readonly sha256: string } | null>(null)
  const write = async (): Promise<void> => {
    const file = await action.run(async () => await client.as2.exportRaw({ of: { delivery }, what }))
    if (file !== undefined) setWritten(file)
  }
  return (
    <div className={ui['stack']}>
      <div>
        <Button disabled={action.busy} onClick={() => void write()}>
          {what === 'message' ? 'Export raw message' : 'Export raw receipt'}
        </Button>
      </div>
      {action.error ? <ErrorPanel error={action.error} /> : null}
      {written === null ? null : (
        <div role="status">
          <Facts items={[['Written to', <Copyable key="path" value={written.path} label="path of the file" />], ['Size', bytesText(written.bytes)], ['SHA-256', <Copyable key="hash" value={written.sha256} label="SHA-256 of the file" />]]} />
        </div>
      )}
    </div>
  )
}

function headersText(headers: MessageView['headers']): string {
  return headers.map(({ name, value }) => `${name}: ${value}`).join('\n')
}

/** The other side's text, as text and nothing else. */
function Raw({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <details>
      <summary>{title}</summary>
      <pre className={css['raw']} tabIndex={0} aria-label={title}>
        {text}
      </pre>
    </details>
  )
}
