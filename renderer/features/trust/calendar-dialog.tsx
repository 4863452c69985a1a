import { useState } from 'react'
import { useHost } from '../../lib/app-context.ts'
import { useAction, useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { Copyable } from '../../ui/facts.tsx'
import { saveFile } from './save-file.ts'

/** The dates as a file, or as an address that a calendar program fetches. */
export function CalendarDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { client, platform } = useHost()
  const action = useAction()
  const { data, reload } = useCall('trust.calendarFeed', (caller) => caller.trust.calendarFeed({}))
  const [changed, setChanged] = useState<string | null | undefined>(undefined)
  const path = changed === undefined ? data?.path : changed
  const save = async (): Promise<void> => {
    const file = await action.run(async () => await client.trust.calendar({}))
    if (file !== undefined) saveFile({ ...file, encoding: 'text' })
  }
  const set = async (request: { enabled: boolean; renew?: boolean }): Promise<void> => {
    const done = await action.run(async () => await client.trust.setCalendarFeed({ renew: false, ...request }))
    if (done !== undefined) setChanged(done.path)
    reload()
  }
  const address = path === undefined || path === null ? null : platform === 'browser' ? new URL(path, location.origin).href : path
  return (
    <Dialog title="Calendar" open={open} onClose={onClose}>
      <p>The dates with a reminder at each lead time. The file is a copy of today; an address stays up to date.</p>
      {address === null ? null : (
        <>
          <Copyable value={address} label="address of the calendar" />
          <p className="quiet small">
            {platform === 'browser' ? 'For calendar programs on this computer, while Waybill serves its window at this address.' : 'It is served by “waybill serve --ui 127.0.0.1:PORT” on this computer.'} Whoever knows the address reads the names and dates, and nothing else.
          </p>
        </>
      )}
      {action.error ? <ErrorPanel error={action.error} /> : null}
      <DialogActions>
        <Button onClick={onClose}>Close</Button>
        {address === null ? (
          <Button disabled={action.busy} onClick={() => void set({ enabled: true })}>
            Make an address
          </Button>
        ) : (
          <>
            <Button disabled={action.busy} onClick={() => void set({ enabled: false })}>
              Switch it off
            </Button>
            <Button disabled={action.busy} onClick={() => void set({ enabled: true, renew: true })}>
              New address
            </Button>
          </>
        )}
        <Button look="primary" disabled={action.busy} onClick={() => void save()}>
          Save the file
        </Button>
      </DialogActions>
    </Dialog>
  )
}
