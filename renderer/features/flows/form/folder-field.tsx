import { CornerLeftUp, Folder } from 'lucide-react'
import { createContext, useState } from 'react'
import { useHost } from '../../../lib/app-context.ts'
import { useSettled } from '../../../lib/use-settled.ts'
import { useCall } from '../../../lib/use-call.ts'
import { Button } from '../../../ui/button.tsx'
import { Dialog, DialogActions } from '../../../ui/dialog.tsx'
import { ErrorPanel } from '../../../ui/error-panel.tsx'
import { TextField } from '../../../ui/field.tsx'
import { Skeleton } from '../../../ui/page.tsx'
import css from '../flows.module.css'
import form from '../../../ui/form.module.css'
import ui from '../../../ui/ui.module.css'

/** Which files count as fitting. */
export interface FilesLike {
  readonly patterns: readonly string[]
  readonly except: readonly string[]
}

/** Which files the flow that is being made would take. */
export const FilesLikeContext = createContext<FilesLike>({ patterns: ['*'], except: [] })

/**
 * A folder of this computer: typed, pasted, or chosen in the system's own dialog; in a browser, which has none, among the folders
 * that the core sees. Says at once what stands there.
 */
export function FolderField({ label, help, problem, required = false, placeholder, value, like, onChange }: { readonly label: string; readonly help?: string | undefined; readonly problem: string | undefined; readonly required?: boolean; readonly placeholder?: string; readonly value: string; /** Counted; left out, the folder may be made later. */ readonly like?: FilesLike; readonly onChange: (folder: string) => void }) {
  const { chooseFolder } = useHost()
  const [choosing, setChoosing] = useState(false)
  const choose = async (): Promise<void> => {
    if (chooseFolder === null) return setChoosing(true)
    const chosen = await chooseFolder(value)
    if (chosen !== null) onChange(chosen)
  }
  return (
    <div className={`${ui['field'] ?? ''} ${form['wide'] ?? ''}`}>
      <div className={css['folder']}>
        <TextField label={label} required={required} spellCheck={false} placeholder={placeholder} value={value} help={help} problem={problem} onChange={(event) => onChange(event.target.value)} />
        <Button icon={<Folder size={15} aria-hidden />} aria-label={`Choose: ${label}`} onClick={() => void choose().catch(() => setChoosing(true))}>
          Choose…
        </Button>
      </div>
      {like === undefined || value.trim() === '' ? null : <Seen path={value} like={like} />}
      {choosing ? <FolderDialog start={value} like={like} onClose={() => setChoosing(false)} onChoose={onChange} /> : null}
    </div>
  )
}

function Seen({ path, like }: { readonly path: string; readonly like: FilesLike }) {
  const asked = useSettled(JSON.stringify({ path, ...like }))
  const { data } = useCall(`flows.lookFolder ${asked}`, (client) => client.flows.lookFolder(JSON.parse(asked) as { path: string; patterns: string[]; except: string[] }))
  if (data === undefined) return null
  return (
    <p className={data.problem === null ? 'quiet small' : ui['problem']} role="status">
      {data.problem ?? seenText(data, like)}
    </p>
  )
}

function seenText({ files, matching, more }: { readonly files: number; readonly matching: number; readonly more: boolean }, like: FilesLike): string {
  const count = (n: number): string => `${more ? 'more than ' : ''}${n} ${n === 1 ? 'file' : 'files'}`
  if (files === 0) return 'The folder is there; it holds no files now.'
  return `The folder is there: ${count(files)}, ${matching === files ? 'all fit' : `${matching === 0 ? 'none' : matching} ${matching === 1 ? 'fits' : 'fit'} ${like.patterns.join(', ')}`}.`
}

function FolderDialog({ start, like = { patterns: ['*'], except: [] }, onClose, onChoose }: { readonly start: string; readonly like?: FilesLike | undefined; readonly onClose: () => void; readonly onChoose: (folder: string) => void }) {
  const [path, setPath] = useState(start.trim())
  const { data, error } = useCall(`flows.lookFolder.dialog ${path}`, (client) => client.flows.lookFolder({ ...(path === '' ? {} : { path }), patterns: [...like.patterns], except: [...like.except] }))
  return (
    <Dialog title="Choose a folder" open onClose={onClose}>
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined ? (
        <Skeleton height={220} />
      ) : (
        <>
          <p className="mono small" aria-live="polite">
            {data.path}
          </p>
          {data.problem === null ? null : <p className={ui['problem']}>{data.problem}</p>}
          <div className={css['scroll']} role="group" aria-label="Folders">
            <ul className={ui['list']}>
              {data.parent === null ? null : (
                <li>
                  <button type="button" className={css['pick']} onClick={() => setPath(data.parent ?? '/')}>
                    <CornerLeftUp size={15} aria-hidden /> One up
                  </button>
                </li>
              )}
              {data.folders.map((folder) => (
                <li key={folder}>
                  <button type="button" className={css['pick']} onClick={() => setPath(folder)}>
                    <Folder size={15} aria-hidden /> {folder.split(/[/\\]/).at(-1)}
                  </button>
                </li>
              ))}
              {data.folders.length === 0 && data.problem === null ? <li className={`${ui['pad'] ?? ''} quiet`}>No folders in it.</li> : null}
            </ul>
          </div>
          {data.problem === null ? <p className="quiet small">{seenText(data, like)}</p> : null}
        </>
      )}
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button
          look="primary"
          autoFocus
          disabled={data === undefined || data.problem !== null}
          onClick={() => {
            if (data !== undefined) onChoose(data.path)
            onClose()
          }}
        >
          Choose this folder
        </Button>
      </DialogActions>
    </Dialog>
  )
}
