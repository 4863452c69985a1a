import { useState } from 'react'
import { NotificationSettings, type Channel } from '../../../shared/contract/notifications.ts'
import type { Weekday } from '../../../shared/contract/schedules.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Check, TextArea, TextField } from '../../ui/field.tsx'
import { Form } from '../../ui/form.tsx'
import { Card } from '../../ui/page.tsx'
import { toast } from '../../ui/toasts.tsx'
import { problemsIn } from '../flows/form/problems.ts'
import { ALL_DAYS } from '../flows/form/schedule-draft.ts'
import { DayPicker } from '../flows/form/schedule-editor.tsx'
import { fieldsOf } from '../partners/form/fields.ts'
import { HandMadeControls, SchemaFields, type ControlProps } from '../partners/form/schema-fields.tsx'
import { objectOf, valuesOf, type GroupValue, type Values } from '../partners/form/values.ts'
import { CHANNEL_NAMES } from './words.ts'
import form from '../../ui/form.module.css'
import ui from '../../ui/ui.module.css'

const FIELDS = fieldsOf(NotificationSettings)
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone

const linesIn = (value: unknown): string[] => String(value).split('\n').filter((line) => line !== '')

/** Which ways a kind of message takes. None ticked: it is told nowhere. */
function Channels({ field, value, onChange }: ControlProps) {
  const chosen = linesIn(value)
  return (
    <fieldset className={ui['fieldset']}>
      <legend className={ui['label']}>{field.title}</legend>
      <div className={ui['stack']}>
        <div className={ui['row']}>
          {(Object.keys(CHANNEL_NAMES) as Channel[]).map((channel) => (
            <Check key={channel} label={CHANNEL_NAMES[channel]} checked={chosen.includes(channel)} onChange={(event) => onChange((event.target.checked ? [...chosen, channel] : chosen.filter((other) => other !== channel)).join('\n'))} />
          ))}
        </div>
        {field.help === undefined ? null : <p className={ui['help']}>{field.help}</p>}
      </div>
    </fieldset>
  )
}

function Days({ value, onChange }: ControlProps) {
  const chosen = linesIn(value) as Weekday[]
  return (
    <div className={form['wide']}>
      <DayPicker label="Days" days={chosen.length === 0 ? ALL_DAYS : chosen} onChange={(days) => onChange(days.length === 7 ? '' : days.join('\n'))} />
    </div>
  )
}

function Zone({ field, value, path, problems, onChange }: ControlProps) {
  return <TextField label={field.title} required value={String(value)} placeholder={HERE} spellCheck={false} problem={problems.at(path)} onChange={(event) => onChange(event.target.value)} />
}

function Authority({ field, value, path, problems, onChange }: ControlProps) {
  return (
    <div className={form['wide']}>
      <TextArea label={field.title} className={form['lines']} spellCheck={false} value={String(value)} help={field.help} problem={problems.at(path)} placeholder="-----BEGIN CERTIFICATE-----" onChange={(event) => onChange(event.target.value)} />
    </div>
  )
}

const OWN = { attention: Channels, info: Channels, days: Days, zone: Zone, authority: Authority }

/** The rules by which people are told, in one place. */
export function SettingsForm({ settings, onSaved }: { readonly settings: NotificationSettings; readonly onSaved: () => void }) {
  const { client } = useHost()
  const action = useAction()
  const [values, setValues] = useState<Values>(() => valuesOf(FIELDS, settings))
  const problems = problemsIn(action.error)
  const save = async (): Promise<void> => {
    const done = await action.run(async () => await client.notifications.apply({ settings: settingsOf(values) }))
    if (done === undefined) return
    setValues(valuesOf(FIELDS, done.settings))
    toast('ok', done.changed ? 'Saved' : 'Unchanged', 'The rules hold from now on.')
    onSaved()
  }
  return (
    <Card title="Rules">
      <Form
        className={ui['stack']}
        // Every problem is told by the core, in the same words everywhere.
        noValidate
        refused={action.error}
        onSubmit={() => void save()}
      >
        <HandMadeControls value={OWN}>
          <SchemaFields fields={FIELDS} values={values} path="" problems={problems} onChange={setValues} />
        </HandMadeControls>
        {action.error ? <ErrorPanel error={action.error} /> : null}
        <div className={ui['row']}>
          <Button type="submit" look="primary" disabled={action.busy}>
            {action.busy ? 'Saving…' : 'Save rules'}
          </Button>
        </div>
      </Form>
    </Card>
  )
}

/** No channel ticked means none, while an empty field elsewhere means the default; a zone that is left empty is this computer's. */
function settingsOf(values: Values): Record<string, unknown> {
  const withZone = (group: unknown): unknown => (typeof group === 'object' && group !== null && !('zone' in group && group.zone !== '') ? { ...group, zone: HERE } : group)
  const settings = objectOf(FIELDS, values)
  for (const name of ['quiet', 'heartbeat']) if ((values[name] as GroupValue | undefined)?.on === true) settings[name] = withZone(settings[name])
  return { ...settings, attention: linesIn(values['attention']), info: linesIn(values['info']) }
}
