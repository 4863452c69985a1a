import { useEffect, useEffectEvent, useState } from 'react'
import { Link } from 'wouter'
import type { z } from 'zod'
import type { SendPlan } from '../../../shared/contract/deliveries.ts'
import { textOf } from '../../../shared/contract/errors/index.ts'
import { useHost } from '../../lib/app-context.ts'
import { bytesText } from '../../lib/format.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import { toast } from '../../ui/toasts.tsx'
import { PROTOCOL_NAMES } from '../partners/protocol-names.ts'
import { explainSending } from './explain.ts'
import { closeSheet, noteStarted, useSend, type PendingSend } from './send-store.ts'
import css from './send.module.css'
import ui from '../../ui/ui.module.css'

type Plan = z.infer<typeof SendPlan>

interface HandedFile {
  readonly capability: string
  /** The name there; null: as the connection names it. */
  readonly as: string | null
}

function fileOf({ capability, as }: HandedFile) {
  return { source: { capability }, ...(as === null ? {} : { as }) }
}

/** Says what will happen to each file before anything is sent. */
export function SendSheet() {
  const pending = useSend((state) => state.pending)
  return (
    <Dialog title={pending === null ? 'Send' : `Send ${pending.files.length === 1 ? 'a file' : `${pending.files.length} files`}`} open={pending !== null} onClose={closeSheet} wide>
      {pending === null ? null : <Sheet key={pending.files.map(({ name }) => name).join('\n')} pending={pending} />}
    </Dialog>
  )
}

function Sheet({ pending }: { readonly pending: PendingSend }) {
  const host = useHost()
  const action = useAction()
  const [handed, setHanded] = useState<readonly HandedFile[]>([])
  const [plans, setPlans] = useState<readonly Plan[] | null>(null)
  const [reason, setReason] = useState('')
  const { partner } = pending
  const [chosen, setChosen] = useState<string | null>(null)
  const detail = useCall(`send.partner ${partner}`, (client) => client.partners.show({ id: partner }))
  const connections = detail.data?.document.connections ?? []
  const connection = connections.find(({ id }) => id === chosen) ?? connections[0]
  const via = chosen === null ? {} : { connection: chosen }

  const look = async (files: readonly HandedFile[], over: { readonly connection?: string } = via): Promise<void> => {
    const answer = await action.run(async () => await host.client.deliveries.preview({ partner, ...over, files: files.map(fileOf) }))
    if (answer !== undefined) setPlans(answer.plans)
  }

  const handOver = useEffectEvent(async (isCurrent: () => boolean): Promise<void> => {
    const files = await action.run(async () => await Promise.all(pending.files.map(async (file) => ({ capability: await host.fileCapability(file), as: null }))))
    if (!isCurrent() || files === undefined) return
    setHanded(files)
    await look(files)
  })

  // Once: the sheet is made anew for other files.
  useEffect(() => {
    let current = true
    void handOver(() => current)
    return () => {
      current = false
    }
  }, [])

  const rename = (index: number, as: string): void => setHanded((before) => before.map((file, at) => (at === index ? { ...file, as } : file)))
  const duplicates = plans?.filter(({ duplicateOf }) => duplicateOf !== null).length ?? 0
  const refused = plans?.filter(({ refusal }) => refusal !== null).length ?? 0

  const send = async (): Promise<void> => {
    const answer = await action.run(
      async () =>
        await host.client.deliveries.send({
          partner,
          ...via,
          files: handed.map(fileOf),
          ...(duplicates > 0 ? { allowDuplicate: reason } : {}),
        }),
    )
    if (answer === undefined) return
    noteStarted(answer.results.flatMap(({ delivery }) => (delivery === null ? [] : [delivery.id])))
    for (const { fileName, error } of answer.results) if (error !== null) toast('bad', 'Not sent', `${fileName}: ${textOf(error).title}`)
    closeSheet()
  }

  return (
    <>
      {connections.length > 1 ? (
        <SelectField
          label="By which connection"
          value={connection?.id ?? ''}
          onChange={(event) => {
            setChosen(event.target.value)
            void look(handed, { connection: event.target.value })
          }}
          options={connections.map(({ id, protocol, label }) => [id, `${label ?? id} (${PROTOCOL_NAMES[protocol]})`] as const)}
        />
      ) : null}
      <div className={css['plans']}>
        {plans === null && action.error === undefined ? <Skeleton height={120} /> : null}
        {plans?.map((plan, index) => (
          <div key={handed[index]?.capability ?? plan.fileName} className={css['plan']}>
            <div className={ui['row']}>
              <span className={`${ui['grow'] ?? ''} ${ui['strong'] ?? ''}`}>{plan.fileName}</span>
              <span className="quiet">{bytesText(plan.size)}</span>
              {plan.refusal === null && plan.duplicateOf === null ? <Status tone="ok">Ready</Status> : null}
              {plan.duplicateOf === null ? null : <Status tone="warn">Sent before</Status>}
              {plan.refusal === null ? null : <Status tone="bad">Would be refused</Status>}
            </div>
            <TextField label="Name there" value={handed[index]?.as ?? plan.remoteName} onChange={(event) => rename(index, event.target.value)} onBlur={() => void look(handed)} />
            <Facts items={[['Goes to', plan.target], ...plan.protection.map(({ label, value }) => [label, value] as const)]} />
            {plan.duplicateOf === null ? null : (
              <p className="small">
                The same content has this name in{' '}
                <Link href={`/deliveries/${plan.duplicateOf.id}`} onClick={closeSheet}>
                  an earlier delivery
                </Link>
                .
              </p>
            )}
            {plan.refusal === null ? null : <ErrorPanel error={plan.refusal} />}
          </div>
        ))}
      </div>
      {connection === undefined ? null : explainSending(connection).map((sentence) => <p key={sentence} className="quiet small">{sentence}</p>)}
      {duplicates > 0 ? <TextField label="Reason for sending it again" value={reason} onChange={(event) => setReason(event.target.value)} help="It is kept in the records." /> : null}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={closeSheet}>Cancel</Button>
        <Button look="primary" autoFocus disabled={plans === null || action.busy || refused === handed.length || (duplicates > 0 && reason.trim().length < 3)} onClick={() => void send()}>
          Send
        </Button>
      </DialogActions>
    </>
  )
}
