import { useState } from 'react'
import { useLocation } from 'wouter'
import type { CardPreview } from '../../../shared/contract/cards.ts'
import { useHost } from '../../lib/app-context.ts'
import { useAction } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Check, TextField } from '../../ui/field.tsx'
import { Rows } from '../../ui/rows.tsx'
import { toast } from '../../ui/toasts.tsx'
import ui from '../../ui/ui.module.css'

/** A partner's card: first what it would change, then the words that the partner reads out, then it is taken over. */
export function ImportCardDialog({ partner, open, onClose }: { readonly partner?: string; readonly open: boolean; readonly onClose: () => void }) {
  const host = useHost()
  const [, navigate] = useLocation()
  const action = useAction()
  const [file, setFile] = useState<File | null>(null)
  const [preview, setPreview] = useState<CardPreview | null>(null)
  const [words, setWords] = useState('')
  const [person, setPerson] = useState('')
  const [without, setWithout] = useState(false)
  const close = (): void => {
    setFile(null)
    setPreview(null)
    setWords('')
    setPerson('')
    setWithout(false)
    action.clear()
    onClose()
  }
  /** A capability serves once. */
  const source = async (chosen: File): Promise<{ source: { capability: string }; partner?: string }> => ({ source: { capability: await host.fileCapability(chosen) }, ...(partner === undefined ? {} : { partner }) })
  const read = async (chosen: File): Promise<void> => {
    setFile(chosen)
    const shown = await action.run(async () => await host.client.cards.read(await source(chosen)))
    if (shown !== undefined) setPreview(shown)
  }
  const told = words.split(/[^A-Za-z]+/).filter((word) => word !== '')
  const accept = async (): Promise<void> => {
    if (file === null) return
    const done = await action.run(async () => await host.client.cards.accept({ ...(await source(file)), ...(told.length === 0 ? {} : { words: told }), ...(person === '' ? {} : { person }) }))
    if (done === undefined) return
    close()
    toast('ok', 'Taken over', `${done.items.length} ${done.items.length === 1 ? 'key or certificate is' : 'keys or certificates are'} in use for ${done.partner} now.`)
    navigate(`/partners/${done.partner}`)
  }
  return (
    <Dialog title={preview === null ? 'Take a partner’s card over' : `Card of ${preview.card.name}`} open={open} onClose={close} wide>
      {preview === null ? (
        <label className={ui['stack']}>
          <span>The file that the partner sent. Nothing changes before you have seen what it would change.</span>
          <input
            type="file"
            accept=".json,application/json"
            aria-label="Card file"
            onChange={(event) => {
              const [chosen] = event.target.files ?? []
              if (chosen !== undefined) void read(chosen)
            }}
          />
        </label>
      ) : (
        <>
          <p>
            Made on {preview.card.createdAt.slice(0, 10)}. {preview.partner === null ? 'It would add a new partner.' : `It would change ${preview.partner}.`}
          </p>
          <Changes changes={preview.changes} />
          <TextField label="The six words that the partner reads out" autoFocus spellCheck={false} value={words} onChange={(event) => setWords(event.target.value)} help="Call a number that you know from before, not one from the mail. They are not shown here, so that they are really read out." />
          <TextField label="Who read them out" value={person} onChange={(event) => setPerson(event.target.value)} />
          <Check label="Take it over without the words; it stays marked as not confirmed" checked={without} onChange={(event) => setWithout(event.target.checked)} />
        </>
      )}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={close}>Cancel</Button>
        {preview === null ? null : (
          <Button look="primary" disabled={action.busy || (told.length === 0 && !without)} onClick={() => void accept()}>
            Take it over
          </Button>
        )}
      </DialogActions>
    </Dialog>
  )
}

function Changes({ changes }: { readonly changes: CardPreview['changes'] }) {
  if (changes.length === 0) return <p className="quiet">Everything in it is known and in use already.</p>
  return (
    <Rows items={changes} keyOf={({ what }) => what} look="item" label="What it would change">
      {({ what, before, after }) => (
        <span className={ui['grow']} style={{ overflowWrap: 'anywhere' }}>
          <span className={ui['strong']}>{what}</span>
          <br />
          {before === null ? null : <del className="quiet">{before}</del>} <ins style={{ textDecoration: 'none' }}>{after}</ins>
        </span>
      )}
    </Rows>
  )
}
