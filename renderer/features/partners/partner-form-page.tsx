import { ChevronDown, ChevronUp, Plus } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { Protocol } from '../../../shared/contract/connections/index.ts'
import type { PartnerDetail } from '../../../shared/contract/partners.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form } from '../../ui/form.tsx'
import { Card, Page, Skeleton } from '../../ui/page.tsx'
import { ConnectionTest } from './connection-test.tsx'
import { documentOf, draftOf, emptyDraft, newConnection, PARTNER_FIELDS, problemsOf, slugOf, type Draft } from './draft.ts'
import { ConnectionEditor, ProtocolPicker } from './form/connection-editor.tsx'
import { SchemaFields } from './form/schema-fields.tsx'
import { PROTOCOL_NAMES } from './protocol-names.ts'
import { ReadinessList } from './readiness-list.tsx'
import css from '../../ui/form.module.css'
import ui from '../../ui/ui.module.css'

/** Adds a partner, or changes one: the same fields, then the live test. */
export function PartnerFormPage({ id }: { readonly id?: string }) {
  const existing = useCall(`partner.form ${id ?? ''}`, async (client) => (id === undefined ? null : await client.partners.show({ id })))
  if (existing.data === undefined)
    return <Page title="Partner">{existing.error === undefined ? <Skeleton height={320} /> : <ErrorPanel error={existing.error} />}</Page>
  return <PartnerForm detail={existing.data} />
}

function PartnerForm({ detail }: { readonly detail: PartnerDetail | null }) {
  const { client } = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const isNew = detail === null
  const [draft, setDraft] = useState<Draft>(() => (detail === null ? emptyDraft() : draftOf(detail.document)))
  const [saved, setSaved] = useState<PartnerDetail | null>(null)
  const [picking, setPicking] = useState(isNew)
  const problems = problemsOf(action.error, draft.connections)
  const set = (change: Partial<Draft>): void => {
    setSaved(null)
    setDraft((before) => ({ ...before, ...change }))
  }
  const add = (protocol: Protocol): void => {
    setPicking(false)
    set({ connections: [...draft.connections, newConnection(protocol, draft.connections)] })
  }

  const save = async (): Promise<void> => {
    const done = await action.run(async () => await client.partners.apply({ document: documentOf(draft) }))
    if (done === undefined) return
    setSaved(done.partner)
    setDraft(draftOf(done.partner.document))
  }

  return (
    <Page title={isNew ? 'Add partner' : `Edit ${detail.summary.name}`} about="Save, then test: Waybill shows each step and what to do when one fails.">
      <Form
        className={css['form']}
        // Every problem is told by the core, in the same words everywhere.
        noValidate
        refused={action.error}
        onSubmit={() => void save()}
      >
        <Card title="Partner">
          <div className={ui['stack']}>
            <div className={ui['split']}>
              <TextField label="Name" required value={draft.name} onChange={(event) => set({ name: event.target.value, ...(isNew && saved === null && !draft.idTyped ? { id: slugOf(event.target.value) } : {}) })} problem={problems.at('name')} />
              <TextField label="Short name" required readOnly={!isNew || saved !== null} value={draft.id} onChange={(event) => set({ id: event.target.value, idTyped: true })} problem={problems.at('id')} help="Used on the command line and in records." />
              <TextField label="Notes" value={draft.notes} onChange={(event) => set({ notes: event.target.value })} problem={problems.at('notes')} />
            </div>
            <PartnerSettings draft={draft} problems={problems} onChange={(values) => set({ values })} />
          </div>
        </Card>
        {draft.connections.map((connection, index) => (
          <ConnectionEditor
            key={connection.key}
            connection={connection}
            path={`connections[${index}]`}
            problems={problems}
            onChange={(next) => set({ connections: draft.connections.map((other) => (other.key === next.key ? next : other)) })}
            onRemove={() => set({ connections: draft.connections.filter(({ key }) => key !== connection.key) })}
          />
        ))}
        {picking || draft.connections.length === 0 ? (
          <Card title={draft.connections.length === 0 ? 'How do files travel?' : 'Another connection'}>
            <div className={ui['stack']}>
              <ProtocolPicker onPick={add} />
              {problems.at('connections') === undefined ? null : <p className={ui['problem']}>Choose at least one.</p>}
            </div>
          </Card>
        ) : (
          <div>
            <Button icon={<Plus size={15} aria-hidden />} onClick={() => setPicking(true)}>
              Add connection
            </Button>
          </div>
        )}
        {action.error ? <ErrorPanel error={action.error} /> : null}
        <div className={ui['row']}>
          <Button type="submit" look="primary" disabled={action.busy}>
            {action.busy ? 'Saving…' : 'Save partner'}
          </Button>
          {saved === null ? null : <Button onClick={() => navigate(`/partners/${saved.document.id}`)}>Done</Button>}
        </div>
      </Form>
      {saved === null ? null : <SavedConnections initial={saved} />}
    </Page>
  )
}

/** What is missing yet, and the live test of each connection. */
function SavedConnections({ initial }: { readonly initial: PartnerDetail }) {
  const { id } = initial.document
  const current = useCall(`partner.saved ${id}`, (client) => client.partners.show({ id }), (client, changed) => client.partners.onChanged(changed))
  const detail = current.data ?? initial
  return detail.document.connections.map((connection) => (
    <Card key={connection.id} title={`Live connection test: ${PROTOCOL_NAMES[connection.protocol]} ${connection.id}`}>
      <div className={ui['stack']}>
        <ReadinessList detail={detail} connection={connection} />
        <ConnectionTest partner={id} connection={connection.id} onTrusted={current.reload} />
      </div>
    </Card>
  ))
}

/** Contacts, limits, Inbox and exceptions: rarely needed at first. */
function PartnerSettings({ draft, problems, onChange }: { readonly draft: Draft; readonly problems: ReturnType<typeof problemsOf>; readonly onChange: (values: Draft['values']) => void }) {
  const [open, setOpen] = useState(false)
  const shown = open || PARTNER_FIELDS.some(({ name }) => problems.below(name))
  return (
    <>
      <div>
        <Button compact look="plain" icon={shown ? <ChevronUp size={14} aria-hidden /> : <ChevronDown size={14} aria-hidden />} aria-expanded={shown} onClick={() => setOpen(!shown)}>
          {shown ? 'Hide contacts, limits and exceptions' : 'Contacts, limits, Inbox and exceptions'}
        </Button>
      </div>
      {shown ? <SchemaFields fields={PARTNER_FIELDS} values={draft.values} path="" problems={problems} onChange={onChange} /> : null}
    </>
  )
}
