import { useCall } from '../../../lib/use-call.ts'
import { Choices } from '../../../ui/choices.tsx'
import { SelectField } from '../../../ui/field.tsx'
import type { Problems } from '../../partners/draft.ts'
import { triggersOf, type FlowDraft, type TriggerKind } from './flow-draft.ts'
import { ScheduleEditor } from './schedule-editor.tsx'
import form from '../../../ui/form.module.css'
import ui from '../../../ui/ui.module.css'

const ABOUT: Readonly<Record<TriggerKind, readonly [title: string, about: string]>> = {
  schedule: ['At times', 'On days and at times, or every few minutes'],
  watch: ['When a file appears', 'The folder is watched; a file goes once it is complete'],
  after: ['After another flow', 'When that one has ended'],
  manual: ['By hand', 'Only when somebody presses “Run now”'],
}

/** When the flow runs. */
export function TriggerEditor({ draft, problems, onChange }: { readonly draft: FlowDraft; readonly problems: Problems; readonly onChange: (change: Partial<FlowDraft>) => void }) {
  return (
    <div className={ui['stack']}>
      <Choices label="When it runs" options={triggersOf(draft.direction).map((kind) => [kind, ...ABOUT[kind]] as const)} chosen={draft.trigger} onChoose={(trigger) => onChange({ trigger })} />
      {problems.at('trigger.kind') === undefined ? null : <p className={ui['problem']}>{problems.at('trigger.kind')}</p>}
      {draft.trigger === 'schedule' ? <ScheduleEditor draft={draft.schedule} onChange={(schedule) => onChange({ schedule })} /> : null}
      {draft.trigger === 'after' ? <AfterEditor draft={draft} problem={problems.at('trigger.flow')} onChange={onChange} /> : null}
    </div>
  )
}

function AfterEditor({ draft, problem, onChange }: { readonly draft: FlowDraft; readonly problem: string | undefined; readonly onChange: (change: Partial<FlowDraft>) => void }) {
  const { data } = useCall('flow.others', (client) => client.flows.list({ limit: 1000 }))
  const others = (data?.flows ?? []).filter(({ id }) => id !== draft.id)
  return (
    <div className={form['fields']}>
      <SelectField label="After" value={draft.after.flow} problem={problem} onChange={(event) => onChange({ after: { ...draft.after, flow: event.target.value } })} options={[['', 'Choose…'], ...others.map(({ id, name }) => [id, name] as const)]} />
      <SelectField
        label="Only when"
        value={draft.after.when}
        onChange={(event) => onChange({ after: { ...draft.after, when: event.target.value as 'delivered' | 'always' } })}
        options={[
          ['delivered', 'everything was delivered'],
          ['always', 'it has ended, whatever came of it'],
        ]}
      />
    </div>
  )
}
