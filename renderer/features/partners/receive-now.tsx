import { Download } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { z } from 'zod'
import type { ReceiveReport } from '../../../shared/contract/deliveries.ts'
import { textOf } from '../../../shared/contract/errors/index.ts'
import { useHost } from '../../lib/app-context.ts'
import { bytesText } from '../../lib/format.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Card, ProgressBar } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { DeliveryList } from '../deliveries/delivery-list.tsx'
import { reportSentence, waitingText } from './receive-words.ts'
import ui from '../../ui/ui.module.css'

type Report = z.infer<typeof ReceiveReport>

interface Incoming {
  readonly name: string
  readonly bytes: number
  readonly total: number
}

/** Collects from the partner's folder, shows each file coming, and says what it brought. */
export function ReceiveNow({ partner, connection }: { readonly partner: string; readonly connection: string }) {
  const { client } = useHost()
  const action = useAction()
  const [incoming, setIncoming] = useState<Incoming | null>(null)
  const [report, setReport] = useState<Report | null>(null)
  useEffect(
    () =>
      client.deliveries.onReceiving((next) => {
        if (next.partner === partner && next.connection === connection) setIncoming(next)
      }),
    [client, partner, connection],
  )
  const receive = async (): Promise<void> => {
    setReport(null)
    setIncoming(null)
    const done = await action.run(async () => await client.deliveries.receive({ partner, connection }))
    if (done !== undefined) setReport(done)
  }
  return (
    <div className={ui['stack']}>
      <div>
        <Button icon={<Download size={15} aria-hidden />} disabled={action.busy} onClick={() => void receive()}>
          {action.busy ? 'Receiving…' : 'Receive now'}
        </Button>
      </div>
      {action.busy ? <Coming incoming={incoming} /> : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      {report === null ? null : <Brought report={report} />}
    </div>
  )
}

function Coming({ incoming }: { readonly incoming: Incoming | null }) {
  if (incoming === null) return <p className="quiet small">Looking into the folder, and watching new files until they are complete…</p>
  return (
    <div>
      <ProgressBar label={`Receiving ${incoming.name}`} done={incoming.bytes} total={incoming.total} />
      <p className="quiet small">
        {incoming.name} · {bytesText(incoming.bytes)} of {bytesText(incoming.total)}
      </p>
    </div>
  )
}

function Brought({ report }: { readonly report: Report }) {
  const { taken, waiting, problems } = report
  return (
    <div className={ui['stack']}>
      <div role="status" className={ui['row']}>
        <Status tone={problems.length > 0 || taken.some(({ state }) => state === 'held') ? 'warn' : 'ok'}>{problems.length > 0 ? 'Look at it' : 'Done'}</Status>
        <span>{reportSentence(report)}</span>
      </div>
      {taken.length > 0 ? (
        <Card flush>
          <DeliveryList deliveries={taken} none="" />
        </Card>
      ) : null}
      {waiting.length > 0 ? (
        <ul className="quiet small">
          {waiting.map((file) => (
            <li key={file.name}>{waitingText(file)}</li>
          ))}
        </ul>
      ) : null}
      {problems.map(({ name, error }) => (
        <div key={name} className={ui['stack']}>
          <p>
            <span className={ui['strong']}>{name}</span>: {textOf(error).title}
          </p>
          <ErrorPanel error={error} />
        </div>
      ))}
    </div>
  )
}
