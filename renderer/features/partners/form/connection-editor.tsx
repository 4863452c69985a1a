import { ChevronDown, ChevronUp, Trash2 } from 'lucide-react'
import { useId, useState } from 'react'
import type { Protocol } from '../../../../shared/contract/connections/index.ts'
import { Choices } from '../../../ui/choices.tsx'
import { Button } from '../../../ui/button.tsx'
import { TextArea, TextField } from '../../../ui/field.tsx'
import { Card } from '../../../ui/page.tsx'
import { CONNECTION_FIELDS, KEY_LISTS, keysHeld, type ConnectionDraft, type KeyList, type Problems } from '../draft.ts'
import { PROTOCOL_NAMES } from '../protocol-names.ts'
import { HandMadeControls, SchemaFields } from './schema-fields.tsx'
import { SignIn } from './sign-in.tsx'
import type { GroupValue } from './values.ts'
import css from '../../../ui/form.module.css'
import ui from '../../../ui/ui.module.css'

const OWN = { auth: SignIn }

const ABOUT: Readonly<Record<Protocol, string>> = {
  as2: 'Signed and encrypted messages with receipts, over HTTP',
  sftp: 'Files over SSH; the server is known by its host key',
  ftps: 'FTP with TLS; the server is known by its certificate',
  s3: 'A bucket at Amazon or any compatible store',
  folder: 'A folder of this computer or a network share',
}

/** The first question: how files travel. */
export function ProtocolPicker({ onPick }: { readonly onPick: (protocol: Protocol) => void }) {
  return <Choices label="Protocol" options={(Object.keys(ABOUT) as Protocol[]).map((protocol) => [protocol, PROTOCOL_NAMES[protocol], ABOUT[protocol]] as const)} onChoose={onPick} />
}

/** One connection of the partner: only the needed fields first. */
export function ConnectionEditor({ connection, path, problems, onChange, onRemove }: { readonly connection: ConnectionDraft; readonly path: string; readonly problems: Problems; readonly onChange: (connection: ConnectionDraft) => void; readonly onRemove: () => void }) {
  const { id, protocol, values, stored, newPins } = connection
  return (
    <Card
      title={`${PROTOCOL_NAMES[protocol]} connection ${id}`}
      actions={
        <Button compact look="plain" icon={<Trash2 size={14} aria-hidden />} onClick={onRemove}>
          Remove connection
        </Button>
      }
    >
      <div className={ui['stack']}>
        <HandMadeControls value={OWN}>
          <SchemaFields
            fields={CONNECTION_FIELDS[protocol]}
            values={values}
            path={path}
            problems={problems}
            onChange={(next) => onChange({ ...connection, values: next })}
            first={
              <TextField
                label="Connection id"
                required
                spellCheck={false}
                readOnly={stored !== null}
                value={id}
                onChange={(event) => onChange({ ...connection, id: event.target.value })}
                problem={problems.at(`${path}.id`)}
                help={stored === null ? 'A short name for records and the command line.' : 'It stays: records and sealed secrets stand under it. The label can change.'}
              />
            }
            last={
              !takesPins(connection) ? null : (
                <>
                  <Pins protocol={protocol} stored={stored} value={newPins} problem={problems.at(`${path}.${protocol === 'sftp' ? 'hostKeys' : 'tls.pins'}`)} onChange={(next) => onChange({ ...connection, newPins: next })} />
                  {protocol === 'sftp' ? <FurtherKeys connection={connection} path={path} problems={problems} onChange={onChange} /> : null}
                </>
              )
            }
          />
        </HandMadeControls>
      </div>
    </Card>
  )
}

const KEY_TEXTS: Readonly<Record<KeyList, { readonly label: string; readonly help: string }>> = {
  'jump.hostKeys': { label: 'Host keys of the jump host', help: 'Fingerprints or public key lines, one in a line.' },
  hostAuthorities: { label: 'Authorities for host certificates', help: 'Public key lines of whoever signs the certificates of the partner\'s servers.' },
  revokedHostKeys: { label: 'Revoked host keys', help: 'Never accepted, whoever vouches for them.' },
}

/** What SSH trust rests on besides the server's own keys: on demand, and where something is wrong. */
function FurtherKeys({ connection, path, problems, onChange }: { readonly connection: ConnectionDraft; readonly path: string; readonly problems: Problems; readonly onChange: (connection: ConnectionDraft) => void }) {
  const [open, setOpen] = useState(false)
  const id = useId()
  const { newKeys, stored, values } = connection
  const jumps = (values['jump'] as GroupValue | undefined)?.on === true
  const lists = KEY_LISTS.filter((list) => list !== 'jump.hostKeys' || jumps)
  const shown = open || lists.some((list) => problems.below(`${path}.${list}`))
  return (
    <div className={`${css['wide']} ${ui['stack']}`}>
      <div>
        <Button compact look="plain" icon={shown ? <ChevronUp size={14} aria-hidden /> : <ChevronDown size={14} aria-hidden />} aria-expanded={shown} aria-controls={id} onClick={() => setOpen(!shown)}>
          {shown ? 'Fewer keys' : 'More keys'}
        </Button>
      </div>
      <div id={id} hidden={!shown}>
        <div className={ui['stack']}>
          {lists.map((list) => {
            const held = keysHeld(stored, list).length
            return (
              <TextArea
                key={list}
                label={KEY_TEXTS[list].label}
                className={css['lines']}
                spellCheck={false}
                value={newKeys[list] ?? ''}
                onChange={(event) => onChange({ ...connection, newKeys: { ...newKeys, [list]: event.target.value } })}
                problem={problems.at(`${path}.${list}`)}
                help={`${held === 0 ? '' : `${held} ${held === 1 ? 'is' : 'are'} held already. `}${KEY_TEXTS[list].help}`}
              />
            )
          })}
        </div>
      </div>
    </div>
  )
}

/** Host keys always; certificates of the server once pins decide or are there: they are others than those of messages. */
function takesPins({ protocol, values, stored, newPins }: ConnectionDraft): boolean {
  if (protocol === 'sftp') return true
  const tls = values['tls'] as GroupValue | undefined
  if (tls === undefined) return false
  return tls.values['trust'] === 'pinned' || newPins !== '' || (stored !== null && 'tls' in stored && (stored.tls.pins ?? []).length > 0)
}

function Pins({ protocol, stored, value, problem, onChange }: { readonly protocol: Protocol; readonly stored: ConnectionDraft['stored']; readonly value: string; readonly problem: string | undefined; readonly onChange: (text: string) => void }) {
  const known = stored === null ? 0 : stored.protocol === 'sftp' ? (stored.hostKeys ?? []).length : 'tls' in stored ? (stored.tls.pins ?? []).length : 0
  const sftp = protocol === 'sftp'
  const have = known === 0 ? '' : `${known} ${known === 1 ? 'is' : 'are'} pinned already. `
  return (
    <div className={css['wide']}>
      <TextArea
        label={sftp ? 'Host keys that the partner gave us' : 'Pinned certificates of the server, as the partner gave them'}
        className={css['lines']}
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        problem={problem}
        placeholder={sftp ? 'SHA256:…' : 'sha256:…'}
        help={`${have}${sftp ? 'Fingerprints or public key lines, one in a line.' : 'Fingerprints (sha256:…), public keys (spki:…) or PEM.'} Without one, the connection test shows what the server presents, to compare.`}
      />
    </div>
  )
}
