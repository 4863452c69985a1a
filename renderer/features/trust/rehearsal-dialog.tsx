import { Fragment } from 'react'
import type { RehearsedCell, RehearsedMoment, RehearsedUse } from '../../../shared/contract/rehearsal.ts'
import type { Rollover } from '../../../shared/contract/rollover.ts'
import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Card, Skeleton } from '../../ui/page.tsx'
import { Status } from '../../ui/status.tsx'
import css from './rehearsal.module.css'
import ui from '../../ui/ui.module.css'

const USES: readonly RehearsedUse[] = ['decrypt', 'sign', 'tls', 'check-messages', 'check-receipts', 'encrypt']
const OURS: Readonly<Record<RehearsedUse, string>> = { decrypt: 'We decrypt', sign: 'We sign', tls: 'Our TLS', 'check-messages': 'They check our messages', 'check-receipts': 'They check our receipts', encrypt: 'They encrypt to us' }
const THEIRS: Readonly<Record<RehearsedUse, string>> = { decrypt: 'They decrypt', sign: 'They sign', tls: 'Their TLS', 'check-messages': 'We check their messages', 'check-receipts': 'We check their receipts', encrypt: 'We encrypt to them' }
const MOMENTS: Readonly<Record<RehearsedMoment['moment'], string>> = { now: 'Now', switch: 'After the switch', retire: 'After the old one has ended', at: 'At that time' }

/** Played through when it is opened: what works and what would fail, partner by partner and moment by moment. */
export function RehearsalDialog({ rollover, open, onClose }: { readonly rollover: Rollover; readonly open: boolean; readonly onClose: () => void }) {
  return (
    <Dialog title={`Rehearsal: ${rollover.old.label} → ${rollover.next.label}`} open={open} onClose={onClose} wide>
      <p className="quiet small">Nothing is sent. Waybill plays the partner’s part with the real certificates and settings, and opens the last real messages again.</p>
      {open ? <Played rollover={rollover} /> : null}
      <DialogActions>
        <Button look="primary" onClick={onClose}>
          Close
        </Button>
      </DialogActions>
    </Dialog>
  )
}

function Played({ rollover: { id, ours, old, next } }: { readonly rollover: Rollover }) {
  const { data, error } = useCall(`rollover.rehearse ${id}`, (client) => client.rollover.rehearse({ id }))
  if (error !== undefined) return <ErrorPanel error={error} />
  if (data === undefined) return <Skeleton height={240} />
  return data.rehearsals.map(({ partner, connection, moments }) => (
    <Card key={`${partner} ${connection}`} title={`${partner} / ${connection}`}>
      <div className={ui['stack']}>
        {moments.map((moment) => (
          <Moment key={moment.moment} moment={moment} ours={ours} old={old.label} next={next.label} />
        ))}
      </div>
    </Card>
  ))
}

function Moment({ moment: { moment, at, cells, expected, conclusion }, ours, old, next }: { readonly moment: RehearsedMoment; readonly ours: boolean; readonly old: string; readonly next: string }) {
  const cell = (use: RehearsedUse, which: 'old' | 'next'): RehearsedCell | undefined => cells.find((one) => one.use === use && one.with === which)
  return (
    <section className={ui['stack']}>
      <div className={ui['row']}>
        <h3 className={ui['grow']}>
          {MOMENTS[moment]} <span className="quiet small">{at.slice(0, 10)}</span>
        </h3>
        <Status tone={expected.length === 0 ? 'ok' : 'bad'}>{expected.length === 0 ? 'Goes through' : 'Would fail'}</Status>
      </div>
      <p>{conclusion}</p>
      <details>
        <summary className="quiet small">The six uses, one by one</summary>
        <table className={css['table']}>
          <thead>
            <tr>
              <th scope="col">Use</th>
              <th scope="col">Partner works with {old}</th>
              <th scope="col">Partner works with {next}</th>
            </tr>
          </thead>
          <tbody>
            {USES.map((use) => (
              <tr key={use}>
                <th scope="row">{(ours ? OURS : THEIRS)[use]}</th>
                {(['old', 'next'] as const).map((which) => (
                  <Fragment key={which}>
                    <Cell cell={cell(use, which)} />
                  </Fragment>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  )
}

const OUTCOMES = { works: { tone: 'ok', word: 'Works' }, fails: { tone: 'bad', word: 'Fails' }, idle: { tone: 'wait', word: 'Not used' } } as const

function Cell({ cell }: { readonly cell: RehearsedCell | undefined }) {
  if (cell === undefined) return <td />
  const { tone, word } = OUTCOMES[cell.outcome]
  return (
    <td>
      <Status tone={tone}>{word}</Status>
      <p className="quiet small">
        {cell.message}
        {cell.proof === 'last-message' ? ' (a real message)' : ''}
      </p>
    </td>
  )
}
