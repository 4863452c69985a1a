import { Plus } from 'lucide-react'
import { useState } from 'react'
import type { StationDocument } from '../../../shared/contract/station.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { Form } from '../../ui/form.tsx'
import { Card, Skeleton } from '../../ui/page.tsx'
import { toast } from '../../ui/toasts.tsx'
import { emptyContact, stationDocument, stationDraft, type StationDraft } from './station-draft.ts'
import ui from '../../ui/ui.module.css'

const ZONES = Intl.supportedValuesOf('timeZone')

/** Our own identity, as the station document has it. */
export function Station() {
  const station = useCall('station', (client) => client.station.show({}))
  if (station.data === undefined) return station.error === undefined ? <Skeleton height={420} /> : <ErrorPanel error={station.error} />
  return <StationForm known={station.data.station} />
}

function StationForm({ known }: { readonly known: StationDocument | null }) {
  const { client } = useHost()
  const action = useAction()
  const [draft, setDraft] = useState(() => stationDraft(known))
  const set = (change: Partial<StationDraft>): void => setDraft((before) => ({ ...before, ...change }))
  const problem = (field: string): string | undefined => action.error?.details?.[field]
  const save = async (): Promise<void> => {
    const done = await action.run(async () => await client.station.apply({ document: stationDocument(draft) }))
    if (done !== undefined) toast('ok', 'Saved', done.changed ? 'Our details are saved.' : 'Nothing had changed.')
  }
  return (
    <Card id="station" title="Our company">
      <Form className={ui['stack']} refused={action.error} onSubmit={() => void save()}>
        <TextField label="Company name" required value={draft.name} onChange={(event) => set({ name: event.target.value })} problem={problem('name')} help="Shown to partners with our keys." />
        <SelectField label="Time zone" value={draft.timeZone} onChange={(event) => set({ timeZone: event.target.value })} options={[['', 'As the computer'], ...ZONES.map((zone) => [zone, zone] as const)]} />
        <TextField label="AS2 identifier" spellCheck={false} value={draft.as2Id} onChange={(event) => set({ as2Id: event.target.value })} problem={problem('as2.id') ?? problem('as2')} help="How partners name us in AS2 messages; leave it empty without AS2." />
        {draft.as2Id === '' ? null : (
          <>
            <TextField label="Address of our AS2 receiver" type="url" spellCheck={false} value={draft.as2Url} onChange={(event) => set({ as2Url: event.target.value })} problem={problem('as2.url')} help="As partners reach it from outside." />
            <TextField label="E-mail address in AS2 messages" type="email" value={draft.as2Email} onChange={(event) => set({ as2Email: event.target.value })} problem={problem('as2.email')} />
          </>
        )}
        {draft.contacts.map((contact, index) => {
          const change = (part: Partial<typeof contact>): void => set({ contacts: draft.contacts.map((other, at) => (at === index ? { ...other, ...part } : other)) })
          return (
            <fieldset key={contact.key} className={ui['fieldset']}>
              <legend className={ui['label']}>Contact {index + 1}</legend>
              <div className={ui['stack']}>
                <TextField label="Name" required value={contact.name} onChange={(event) => change({ name: event.target.value })} problem={problem(`contacts[${index}].name`)} />
                <TextField label="Role" value={contact.role} onChange={(event) => change({ role: event.target.value })} problem={problem(`contacts[${index}].role`)} />
                <TextField label="E-mail" type="email" value={contact.email} onChange={(event) => change({ email: event.target.value })} problem={problem(`contacts[${index}].email`)} />
                <TextField label="Phone" type="tel" value={contact.phone} onChange={(event) => change({ phone: event.target.value })} problem={problem(`contacts[${index}].phone`)} />
                <div>
                  <Button compact onClick={() => set({ contacts: draft.contacts.filter((_, at) => at !== index) })}>
                    Remove contact
                  </Button>
                </div>
              </div>
            </fieldset>
          )
        })}
        {action.error ? <ErrorPanel error={action.error} /> : null}
        <div className={ui['row']}>
          <Button type="submit" look="primary" disabled={action.busy || draft.name.trim() === ''}>
            Save
          </Button>
          <Button icon={<Plus size={15} aria-hidden />} onClick={() => set({ contacts: [...draft.contacts, emptyContact()] })}>
            Add contact
          </Button>
        </div>
      </Form>
    </Card>
  )
}
