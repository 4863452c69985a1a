import { ChevronDown, ChevronUp } from 'lucide-react'
import { useId, useState } from 'react'
import type { Policy, PolicyChange } from '../../../shared/contract/policy-document.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Check, SelectField, TextField } from '../../ui/field.tsx'
import { Form } from '../../ui/form.tsx'
import { toast } from '../../ui/toasts.tsx'
import { POLICY_SECTIONS, summaryText, valueAt, valueText, withValue, type PolicyField, type PolicySection, type PolicyValue } from './policy-fields.ts'
import css from './policy.module.css'
import ui from '../../ui/ui.module.css'

interface FormProps {
  /** Left out: everyone's policy. */
  readonly partner?: string
  readonly document: PolicyChange
  /** What holds where nothing is set here. */
  readonly above: Policy
  readonly aboveName: string
  readonly onSaved: () => void
}

/** Changes the policy for everyone, or what differs for a partner. */
export function PolicyForm({ partner, document, above, aboveName, onSaved }: FormProps) {
  const { client } = useHost()
  const action = useAction()
  const [draft, setDraft] = useState(document)
  const isDirty = JSON.stringify(draft) !== JSON.stringify(document)
  const problems = action.error?.details ?? {}
  const save = async (): Promise<void> => {
    if ((await action.run(async () => await client.policy.apply({ document: draft, ...(partner === undefined ? {} : { partner }) }))) === undefined) return
    toast('ok', 'Saved', partner === undefined ? 'It holds for everyone from now on.' : 'It holds for this partner from now on.')
    onSaved()
  }
  const sections = (isRole: boolean) =>
    POLICY_SECTIONS.filter((section) => section.isRole === isRole).map((section) => (
      <Section key={section.title} section={section} draft={draft} above={above} aboveName={aboveName} problems={problems} onChange={(path, value) => setDraft(withValue(draft, path, value))} />
    ))
  return (
    <Form className={ui['stack']} noValidate refused={action.error} onSubmit={() => void save()}>
      {sections(false)}
      <h3>Algorithms and sizes by role</h3>
      {sections(true)}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <div className={ui['row']}>
        <Button type="submit" look="primary" disabled={action.busy || !isDirty}>
          Save policy
        </Button>
        <Button disabled={!isDirty} onClick={() => setDraft(document)}>
          Undo
        </Button>
        <Button disabled={Object.keys(draft).length === 0} onClick={() => setDraft({})}>
          Everything {aboveName.toLowerCase()}
        </Button>
      </div>
    </Form>
  )
}

interface SectionProps {
  readonly section: PolicySection
  readonly draft: PolicyChange
  readonly above: Policy
  readonly aboveName: string
  readonly problems: Readonly<Record<string, string>>
  readonly onChange: (path: string, value: PolicyValue | undefined) => void
}

/** Closed while nothing in it is set here. */
function Section({ section, draft, above, aboveName, problems, onChange }: SectionProps) {
  const set = section.fields.filter(({ path }) => valueAt(draft, path) !== undefined).length
  const wrong = section.fields.some(({ path }) => Object.keys(problems).some((key) => key.startsWith(path)))
  const [opened, setOpened] = useState(!section.isRole && set > 0)
  const open = opened || wrong
  const id = useId()
  return (
    <section className={css['section']} aria-label={section.title}>
      <button type="button" className={css['heading']} aria-expanded={open} aria-controls={id} onClick={() => setOpened(!open)}>
        {open ? <ChevronUp size={15} aria-hidden /> : <ChevronDown size={15} aria-hidden />}
        <span className={ui['strong']}>{section.title}</span>
        <span className={`quiet small ${ui['cut'] ?? ''} ${ui['grow'] ?? ''}`}>{section.fields.map((field) => summaryText(field, valueAt(draft, field.path) ?? valueAt(above, field.path))).join(' · ')}</span>
        {set === 0 ? null : <span className={css['count']}>{set} set here</span>}
      </button>
      <div id={id} hidden={!open} className={css['body']}>
        {open ? section.fields.map((field) => <Control key={field.path} field={field} value={valueAt(draft, field.path)} above={valueAt(above, field.path)} aboveName={aboveName} problem={problems[field.path]} onChange={(value) => onChange(field.path, value)} />) : null}
      </div>
    </section>
  )
}

interface ControlProps {
  readonly field: PolicyField
  readonly value: PolicyValue | undefined
  readonly above: PolicyValue | undefined
  readonly aboveName: string
  readonly problem: string | undefined
  readonly onChange: (value: PolicyValue | undefined) => void
}

function Control(props: ControlProps) {
  const { field, value, above, aboveName, problem, onChange } = props
  const inherited = `${aboveName} (${valueText(above)})`
  switch (field.kind) {
    case 'switch':
      return <SelectField label={field.title} help={field.help} problem={problem} value={value === undefined ? '' : String(value)} options={[['', inherited], ['true', 'Yes'], ['false', 'No']]} onChange={(event) => onChange(event.target.value === '' ? undefined : event.target.value === 'true')} />
    case 'choice':
      return <SelectField label={field.title} help={field.help} problem={problem} value={value === undefined ? '' : String(value)} options={[['', inherited], ...field.options.map((option) => [option, option] as const)]} onChange={(event) => onChange(event.target.value === '' ? undefined : event.target.value)} />
    case 'number':
      return <TextField label={field.title} help={field.help} problem={problem} inputMode="numeric" placeholder={inherited} value={value === undefined ? '' : String(value)} onChange={(event) => onChange(event.target.value.trim() === '' ? undefined : numberOf(event.target.value))} />
    case 'several':
      return <Several {...props} options={field.options} />
  }
}

/** What is no number stays as it was typed; the core says what is wrong with it. */
function numberOf(text: string): PolicyValue {
  return /^\d{1,6}$/.test(text.trim()) ? Number(text) : text
}

function Several({ field, options, value, above, aboveName, problem, onChange }: ControlProps & { readonly options: readonly string[] }) {
  const chosen = (value ?? above ?? []) as readonly string[]
  return (
    <fieldset className={`${ui['fieldset'] ?? ''} ${css['wide'] ?? ''}`}>
      <legend className={ui['label']}>{field.title}</legend>
      <div className={ui['stack']}>
        <Check label={aboveName} checked={value === undefined} onChange={(event) => onChange(event.target.checked ? undefined : chosen)} />
        <div className={css['options']}>
          {options.map((option) => (
            <Check key={option} label={<code className="small">{option}</code>} disabled={value === undefined} checked={chosen.includes(option)} onChange={(event) => onChange(options.filter((other) => (other === option ? event.target.checked : chosen.includes(other))))} />
          ))}
        </div>
        {problem === undefined ? null : <div className={ui['problem']} role="alert">{problem}</div>}
      </div>
    </fieldset>
  )
}
