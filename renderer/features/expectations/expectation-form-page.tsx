import { useState } from 'react'
import { useLocation } from 'wouter'
import type { ExpectationDocument } from '../../../shared/contract/expectations.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Choices } from '../../ui/choices.tsx'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { Form } from '../../ui/form.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { toast } from '../../ui/toasts.tsx'
import { problemsIn } from '../flows/form/problems.ts'
import { ScheduleEditor } from '../flows/form/schedule-editor.tsx'
import { slugOf } from '../partners/draft.ts'
import { SchemaFields } from '../partners/form/schema-fields.tsx'
import { documentOfExpectation, draftOfExpectation, emptyExpectation, EXPECTATION_FIELDS, type ExpectationDraft } from './draft.ts'
import form from '../../ui/form.module.css'
import ui from '../../ui/ui.module.css'

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** Says what should come or leave, and by when. */
export function ExpectationFormPage({ id }: { readonly id?: string }) {
  const stored = useCall(`expectation.form ${id ?? ''}`, async (client) => (id === undefined ? null : (await client.expectations.show({ id })).summary.document))
  if (stored.error !== undefined) return <Page title="Expectation"><ErrorPanel error={stored.error} /></Page>
  if (stored.data === undefined) return <Page title="Expectation"><Skeleton height={420} /></Page>
  return <ExpectationForm stored={stored.data} />
}

const DIRECTIONS = [
  ['inbound', 'Something should arrive', 'A partner sends it, or leaves it where we collect it'],
  ['outbound', 'Something should leave', 'We send it to a partner'],
] as const

function ExpectationForm({ stored }: { readonly stored: ExpectationDocument | null }) {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [draft, setDraft] = useState<ExpectationDraft>(() => (stored === null ? emptyExpectation(HERE) : draftOfExpectation(stored)))
  const partners = useCall('expectation.partners', (asked) => asked.partners.list({ limit: 1000 }))
  const partner = useCall(`expectation.partner ${draft.partner}`, async (asked) => (draft.partner === '' ? null : (await asked.partners.show({ id: draft.partner })).document))
  const flows = useCall('expectation.flows', (asked) => asked.flows.list({ limit: 1000 }))
  const problems = problemsIn(action.error)
  const set = (change: Partial<ExpectationDraft>): void => setDraft((before) => ({ ...before, ...change }))
  const save = async (): Promise<void> => {
    const done = await action.run(async () => await client.expectations.apply({ document: documentOfExpectation(draft) }))
    if (done === undefined) return
    toast('ok', 'Saved', `${draft.name}: ${done.expectation.summary.when}.`)
    navigate(`/expectations/${draft.id}`)
  }
  const ofPartner = (flows.data?.flows ?? []).filter(({ direction, targets }) => direction === draft.direction && targets.some((target) => target.split('/')[0] === draft.partner))
  return (
    <Page title={stored === null ? 'New expectation' : `Edit ${stored.name}`} about="A file that should come or leave by a time. Its absence is told, and can be stated under your signature.">
      <Form
        className={form['form']}
        // Every problem is told by the core, in the same words everywhere.
        noValidate
        refused={action.error}
        onSubmit={() => void save()}
      >
        <Card title="What is expected">
          <div className={ui['stack']}>
            <Choices label="Direction" options={DIRECTIONS} chosen={draft.direction} onChoose={(direction) => set({ direction, flow: '' })} />
            <div className={form['fields']}>
              <TextField label="Name" required value={draft.name} placeholder="Orders from Acme" onChange={(event) => set({ name: event.target.value, ...(stored === null && !draft.idTyped ? { id: slugOf(event.target.value) } : {}) })} problem={problems.at('name')} />
              <TextField label="Short name" required readOnly={stored !== null} value={draft.id} onChange={(event) => set({ id: event.target.value, idTyped: true })} problem={problems.at('id')} />
              <SelectField label="Partner" required value={draft.partner} problem={problems.at('partner')} onChange={(event) => set({ partner: event.target.value, connection: '', flow: '' })} options={[['', 'Choose…'], ...(partners.data?.partners ?? []).map(({ id, name }) => [id, name] as const)]} />
              <SelectField label="Connection" value={draft.connection} problem={problems.at('connection')} onChange={(event) => set({ connection: event.target.value })} options={[['', 'Any'], ...(partner.data?.connections ?? []).map(({ id }) => [id, id] as const)]} />
              <SelectField label="Flow" value={draft.flow} problem={problems.at('flow')} onChange={(event) => set({ flow: event.target.value })} options={[['', 'Any, or by hand'], ...ofPartner.map(({ id, name }) => [id, name] as const)]} />
            </div>
          </div>
        </Card>
        <Card title="By when">
          <ScheduleEditor draft={draft.by} word="due times" onChange={(by) => set({ by })} />
        </Card>
        <Card title="As agreed">
          <SchemaFields fields={EXPECTATION_FIELDS} values={draft.values} path="" problems={problems} onChange={(values) => set({ values })} />
        </Card>
        {action.error ? <ErrorPanel error={action.error} /> : null}
        <div className={ui['row']}>
          <Button type="submit" look="primary" disabled={action.busy}>
            {action.busy ? 'Saving…' : 'Save expectation'}
          </Button>
          <Button look="plain" onClick={() => navigate(stored === null ? '/expectations' : `/expectations/${stored.id}`)}>
            Cancel
          </Button>
        </div>
      </Form>
    </Page>
  )
}
