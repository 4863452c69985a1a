import type { z } from 'zod'
import type { DryRun } from '../../../shared/contract/flows.ts'
import { textOf } from '../../../shared/contract/errors/index.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { bytesText } from '../../lib/format.ts'
import { Status } from '../../ui/status.tsx'
import css from './flows.module.css'
import ui from '../../ui/ui.module.css'

type Seen = z.infer<typeof DryRun>

/** What a run would do now: what goes, under which name, where, how protected; what stays, and why. */
export function DryRunDialog({ dryRun, onClose }: { readonly dryRun: Seen | null; readonly onClose: () => void }) {
  return (
    <Dialog title="What a run would do now" open={dryRun !== null} onClose={onClose} wide>
      {dryRun === null ? null : <Shown dryRun={dryRun} />}
      <DialogActions>
        <Button look="primary" autoFocus onClick={onClose}>
          Close
        </Button>
      </DialogActions>
    </Dialog>
  )
}

function Shown({ dryRun: { folder, send, skip, collect, steps } }: { readonly dryRun: Seen }) {
  const refused = send.filter(({ plan }) => plan.refusal !== null)
  return (
    <>
      <p className="quiet">
        Nothing was sent or changed.
        {folder === null ? '' : ` In ${folder}: ${send.length - refused.length} would go, ${refused.length} would be refused, ${skip.length} would be skipped.`}
      </p>
      {steps.length === 0 ? null : (
        <ol className={css['steps']} aria-label="Steps">
          {steps.map(({ text, by, target }) => (
            <li key={`${target ?? ''} ${text}`}>
              {target === null ? '' : <span className={ui['strong']}>{target}: </span>}
              {text}
              {by === 'connection' ? <span className="quiet">, by the connection’s setting</span> : ''}
            </li>
          ))}
        </ol>
      )}
      {send.length + skip.length + collect.length === 0 ? <p>No file stands there that fits.</p> : null}
      {send.length + skip.length + collect.length === 0 ? null : (
        <div className={css['scroll']} tabIndex={0} role="group" aria-label="Files">
          <ul className={ui['list']}>
            {send.map(({ name, target, plan, together }) => (
              <li key={`${name} ${target}`} className={css['plan']}>
                <div className={ui['row']}>
                  <span className={ui['grow']}>
                    <span className={ui['strong']}>{together === undefined ? name : `${together.length} files together`}</span>
                    <span className={css['arrowTo']}> → </span>
                    {plan.remoteName === name ? '' : <span className={ui['strong']}>{plan.remoteName}</span>} <span className="quiet">at {plan.target}</span>
                  </span>
                  {plan.refusal === null ? <Status tone="ok">Would go</Status> : <Status tone="bad">Refused</Status>}
                </div>
                {together === undefined ? null : <p className="quiet small">{together.slice(0, 20).join(', ')}{together.length > 20 ? ` and ${together.length - 20} more` : ''}</p>}
                <p className="quiet small">
                  {plan.refusal === null ? `${bytesText(plan.size)} · ${plan.protection.map(({ label, value }) => `${label}: ${value}`).join(' · ')}` : `${textOf(plan.refusal).title}: ${plan.refusal.message}. ${textOf(plan.refusal).todo[0]}`}
                </p>
              </li>
            ))}
            {skip.map(({ name, target, reason }) => (
              <li key={`${name} ${target ?? ''} ${reason}`} className={css['plan']}>
                <div className={ui['row']}>
                  <span className={ui['grow']}>
                    <span className={ui['strong']}>{name}</span> {target === null ? null : <span className="quiet">for {target}</span>}
                  </span>
                  <Status tone="wait">Skipped</Status>
                </div>
                <p className="quiet small">{reason}</p>
              </li>
            ))}
            {collect.map(({ target, from, patterns, afterwards }) => (
              <li key={target} className={css['plan']}>
                <span className={ui['strong']}>{from}</span>
                <p className="quiet small">
                  Files like {patterns.join(', ') || 'nothing'} are collected; afterwards they are {AFTERWARDS[afterwards] ?? afterwards} at the partner.
                </p>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  )
}

const AFTERWARDS: Readonly<Record<string, string>> = { leave: 'left', left: 'left', delete: 'deleted', move: 'moved' }
