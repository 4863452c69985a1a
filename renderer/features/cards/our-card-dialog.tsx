import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Skeleton } from '../../ui/page.tsx'
import { saveFile } from '../trust/save-file.ts'
import { WordsLine } from './words-line.tsx'
import ui from '../../ui/ui.module.css'

/** One file with what a partner needs of us; nothing in it is secret. */
export function OurCardDialog({ partner, open, onClose }: { readonly partner: string; readonly open: boolean; readonly onClose: () => void }) {
  return (
    <Dialog title="Our card for this partner" open={open} onClose={onClose} wide>
      {open ? <Content partner={partner} onClose={onClose} /> : null}
    </Dialog>
  )
}

function Content({ partner, onClose }: { readonly partner: string; readonly onClose: () => void }) {
  const { data, error } = useCall(`cards.create ${partner}`, (client) => client.cards.create({ partner }))
  if (data === undefined)
    return (
      <>
        {error === undefined ? <Skeleton height={160} /> : <ErrorPanel error={error} />}
        <DialogActions>
          <Button onClick={onClose}>Close</Button>
        </DialogActions>
      </>
    )
  const { card, fileName, text, words } = data
  return (
    <>
      <Facts
        items={[
          ['Name', card.name],
          ['AS2 identifier', card.as2?.id],
          ['AS2 address', card.as2?.url],
          ['Contacts', card.contacts.map(({ name }) => name).join(', ')],
        ]}
      />
      {card.items.length === 0 ? (
        <p className="quiet">No certificate or key of ours is used for this partner yet, so the card holds our names only.</p>
      ) : (
        <ul className={ui['stack']}>
          {card.items.map(({ label, fingerprint, roles }) => (
            <li key={fingerprint}>
              <span className={ui['strong']}>{label}</span> <span className="quiet small">{roles.join(', ')}</span>
              <br />
              <code className="small">{fingerprint}</code>
            </li>
          ))}
        </ul>
      )}
      <WordsLine words={words} />
      <p className="quiet small">Send the file by mail and read the words out by phone, never both on the same way. The words stay the same until something on the card changes.</p>
      <DialogActions>
        <Button onClick={onClose}>Close</Button>
        <Button look="primary" onClick={() => saveFile({ fileName, text, encoding: 'text' })}>
          Save the card
        </Button>
      </DialogActions>
    </>
  )
}
