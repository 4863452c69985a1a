import { useState } from 'react'
import { Link } from 'wouter'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Card } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import ui from '../../ui/ui.module.css'

interface Answer {
  readonly name: string
  readonly delivered: boolean
  readonly disposition: string
  readonly reasons: readonly string[]
}

/** The practice partner can be started, and asked to send us something. */
export function PracticeCard() {
  const { client } = useHost()
  const action = useAction()
  const [answer, setAnswer] = useState<Answer | null>(null)
  const [offered, setOffered] = useState<string | null>(null)
  const status = useCall('practice.status', (asked) => asked.practice.status({}), (asked, changed) => asked.partners.onChanged(changed))
  const running = status.data?.running ?? true
  const start = async (): Promise<void> => {
    await action.run(async () => await client.practice.start({}))
    status.reload()
  }
  const offer = async (): Promise<void> => {
    setAnswer(null)
    setOffered(null)
    const done = await action.run(async () => await client.practice.offer({}))
    if (done !== undefined) setOffered(done.name)
  }
  const ask = async (): Promise<void> => {
    setAnswer(null)
    setOffered(null)
    const sent = await action.run(async () => await client.practice.sendToUs({}))
    if (sent !== undefined) setAnswer(sent)
  }
  return (
    <Card title="Practise">
      <div className={ui['stack']}>
        <div className={ui['row']}>
          {running ? (
            <>
              <Button disabled={action.busy} onClick={() => void offer()}>
                Let it offer a file
              </Button>
              <Button disabled={action.busy} onClick={() => void ask()}>
                {action.busy ? 'Waiting for it…' : 'Let it send us a file'}
              </Button>
            </>
          ) : (
            <Button look="primary" disabled={action.busy} onClick={() => void start()}>
              Start the practice partner
            </Button>
          )}
        </div>
        <p className="quiet small">
          {running
            ? 'A file that it offers is collected below, by SFTP, FTPS or S3. What it sends comes by AS2: signed and encrypted, and it checks our receipt.'
            : 'Its servers do not run.'}
        </p>
        {offered === null ? null : (
          <div role="status" className={ui['row']}>
            <Status tone="ok">Offered</Status>
            <span>{offered} waits there: press “Receive now” at one of the connections below.</span>
          </div>
        )}
        {answer === null ? null : (
          <div role="status" className={ui['row']}>
            <Status tone={answer.delivered ? 'ok' : 'bad'}>{answer.delivered ? 'Received and receipted' : 'It could not prove the delivery'}</Status>
            <span>
              {answer.name}: our receipt says “{answer.disposition}”. {answer.reasons.join(' ')} <Link href="/deliveries">Show deliveries</Link>
            </span>
          </div>
        )}
        {action.error ? <ErrorPanel error={action.error} /> : null}
      </div>
    </Card>
  )
}
