import { useMemo, useState } from 'react'
import { useLocation } from 'wouter'
import type { DryRun } from '../../../../shared/contract/flows.ts'
import type { FlowDocument } from '../../../../shared/contract/flow-document.ts'
import type { z } from 'zod'
import { useHost } from '../../../lib/app-context.ts'
import { useAction, useCall } from '../../../lib/use-call.ts'
import { Choices } from '../../../ui/choices.tsx'
import { Button } from '../../../ui/button.tsx'
import { ErrorPanel } from '../../../ui/error-panel.tsx'
import { Check, TextField } from '../../../ui/field.tsx'
import { Form } from '../../../ui/form.tsx'
import { Card, Page, Skeleton } from '../../../ui/page.tsx'
import { toast } from '../../../ui/toasts.tsx'
import { slugOf } from '../../partners/draft.ts'
import type { GroupValue } from '../../partners/form/values.ts'
import { HandMadeControls, SchemaFields, type ControlProps } from '../../partners/form/schema-fields.tsx'
import { FilesLikeContext, FolderField, type FilesLike } from './folder-field.tsx'
import { SourceEditor } from './source-editor.tsx'
import { DryRunDialog } from '../dry-run.tsx'
import { documentOfFlow, draftOfFlow, emptyFlow, FLOW_FIELDS, triggersOf, type Direction, type FlowDraft } from './flow-draft.ts'
import { problemsIn } from './problems.ts'
import { StepsEditor } from './steps-editor.tsx'
import { TargetPicker } from './target-picker.tsx'
import { TriggerEditor } from './trigger-editor.tsx'
import form from '../../../ui/form.module.css'
import ui from '../../../ui/ui.module.css'

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** Makes a flow, or changes one. */
export function FlowFormPage({ id }: { readonly id?: string }) {
  const stored = useCall(`flow.form ${id ?? ''}`, async (client) => (id === undefined ? null : (await client.flows.show({ id })).document))
  if (stored.error !== undefined) return <Page title="Flow"><ErrorPanel error={stored.error} /></Page>
  if (stored.data === undefined) return <Page title="Flow"><Skeleton height={420} /></Page>
  return <FlowForm stored={stored.data} />
}

function MoveTo({ field, value, path, problems, onChange }: ControlProps) {
  return <FolderField label={field.title} help={field.help} value={String(value)} problem={problems.at(path)} onChange={onChange} />
}

const DIRECTIONS: readonly (readonly [Direction, string, string])[] = [
  ['outbound', 'Send', 'Files from a folder or an Inbox go to partners'],
  ['inbound', 'Collect', 'Files at partners come into the Inbox'],
]

const OWN = { source: SourceEditor, moveTo: MoveTo }

/** The patterns as they stand in the form, as text: it changes only when they do. */
function likeOf({ values }: FlowDraft): string {
  const selection = (values.outbound['selection'] as GroupValue | undefined)?.values
  const lines = (name: string): string[] => String(selection?.[name] ?? '').split('\n').map((line) => line.trim()).filter((line) => line !== '')
  return JSON.stringify({ patterns: lines('patterns'), except: lines('except') } satisfies FilesLike)
}

function FlowForm({ stored }: { readonly stored: FlowDocument | null }) {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const looking = useAction()
  const [draft, setDraft] = useState<FlowDraft>(() => (stored === null ? emptyFlow(HERE) : draftOfFlow(stored, HERE)))
  const [asPaused, setAsPaused] = useState(false)
  const [dryRun, setDryRun] = useState<z.infer<typeof DryRun> | null>(null)
  const problems = problemsIn(action.error ?? looking.error)
  const set = (change: Partial<FlowDraft>): void => setDraft((before) => ({ ...before, ...change }))
  const { direction } = draft
  const like = likeOf(draft)
  const filesLike = useMemo(() => JSON.parse(like) as FilesLike, [like])

  const save = async (): Promise<void> => {
    looking.clear()
    const done = await action.run(async () => {
      const saved = await client.flows.apply({ document: documentOfFlow(draft) })
      if (asPaused && saved.created) await client.flows.pause({ id: draft.id, reason: 'not started yet' })
      return saved
    })
    if (done === undefined) return
    toast('ok', 'Saved', `${draft.name}: ${done.flow.summary.when}.`)
    navigate(`/flows/${draft.id}`)
  }
  const look = async (): Promise<void> => {
    action.clear()
    const found = await looking.run(async () => await client.flows.dryRun({ document: documentOfFlow(draft) }))
    if (found !== undefined) setDryRun(found)
  }

  return (
    <Page title={stored === null ? 'New flow' : `Edit ${stored.name}`} about="A way that files travel by themselves: what, to whom, when.">
      <Form
        className={form['form']}
        // Every problem is told by the core, in the same words everywhere.
        noValidate
        refused={action.error}
        onSubmit={() => void save()}
      >
        <Card title="What it is">
          <div className={ui['stack']}>
            <Choices label="Direction" options={DIRECTIONS} chosen={direction} onChoose={(kind) => set({ direction: kind, targets: [], ...(triggersOf(kind).includes(draft.trigger) ? {} : { trigger: 'schedule' }) })} />
            <div className={ui['split']}>
              <TextField label="Name" required value={draft.name} placeholder="Orders to Acme" onChange={(event) => set({ name: event.target.value, ...(stored === null && !draft.idTyped ? { id: slugOf(event.target.value) } : {}) })} problem={problems.at('name')} />
              <TextField label="Short name" required readOnly={stored !== null} value={draft.id} onChange={(event) => set({ id: event.target.value, idTyped: true })} problem={problems.at('id')} help="Used on the command line and in records." />
            </div>
          </div>
        </Card>
        <Card title={direction === 'outbound' ? 'To whom' : 'From whom'}>
          <TargetPicker direction={direction} targets={draft.targets} problem={problems.at('targets') ?? draft.targets.map((_, index) => problems.at(`targets[${index}]`)).find((text) => text !== undefined)} onChange={(targets) => set({ targets })} />
        </Card>
        <Card title="When">
          <TriggerEditor draft={draft} problems={problems} onChange={set} />
        </Card>
        <Card title={direction === 'outbound' ? 'Which files, and how' : 'How'}>
          <FilesLikeContext value={filesLike}>
            <HandMadeControls value={OWN}>
              <SchemaFields fields={FLOW_FIELDS[direction]} values={draft.values[direction]} path="" problems={problems} onChange={(values) => set({ values: { ...draft.values, [direction]: values } })} />
            </HandMadeControls>
          </FilesLikeContext>
        </Card>
        <Card title={direction === 'outbound' ? 'On the way' : 'Before they are released'}>
          <StepsEditor direction={direction} targets={draft.targets} steps={draft.steps[direction]} problems={problems} onChange={(steps) => set({ steps: { ...draft.steps, [direction]: steps } })} />
        </Card>
        {action.error ? <ErrorPanel error={action.error} /> : null}
        {looking.error ? <ErrorPanel error={looking.error} /> : null}
        {stored === null ? <Check label="Leave it paused for now" checked={asPaused} onChange={(event) => setAsPaused(event.target.checked)} /> : null}
        <div className={ui['row']}>
          <Button type="submit" look="primary" disabled={action.busy}>
            {action.busy ? 'Saving…' : 'Save flow'}
          </Button>
          <Button disabled={looking.busy} onClick={() => void look()}>
            {looking.busy ? 'Looking…' : 'Dry run'}
          </Button>
          <Button look="plain" onClick={() => navigate(stored === null ? '/flows' : `/flows/${stored.id}`)}>
            Cancel
          </Button>
        </div>
      </Form>
      <DryRunDialog dryRun={dryRun} onClose={() => setDryRun(null)} />
    </Page>
  )
}
