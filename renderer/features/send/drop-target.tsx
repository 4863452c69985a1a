import { Upload } from 'lucide-react'
import { useRef, useState, type DragEvent, type ReactNode } from 'react'
import { toast } from '../../ui/toasts.tsx'
import { droppedFiles } from './dropped-files.ts'
import { offerFiles } from './send-store.ts'
import css from './send.module.css'

const carriesFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files')

/** Where files can be dropped on a partner. The button on the partner's page does the same without dragging. */
export function DropTarget({ partner, name, children }: { readonly partner: string; readonly name: string; readonly children: ReactNode }) {
  const [over, setOver] = useState(false)
  // Entering a child leaves the parent: only the balance of both tells whether the pointer is inside.
  const depth = useRef(0)
  const leave = (): void => {
    depth.current = 0
    setOver(false)
  }
  return (
    <div
      className={css['target']}
      data-partner={partner}
      onDragEnter={(event) => {
        if (!carriesFiles(event)) return
        event.preventDefault()
        depth.current += 1
        setOver(true)
      }}
      onDragOver={(event) => {
        if (carriesFiles(event)) event.preventDefault()
      }}
      onDragLeave={() => {
        depth.current -= 1
        if (depth.current <= 0) leave()
      }}
      onDrop={(event) => {
        if (!carriesFiles(event)) return
        event.preventDefault()
        event.stopPropagation()
        leave()
        droppedFiles(event.dataTransfer).then(
          (files) => (files.length === 0 ? toast('warn', 'No files', 'There was no file in what was dropped.') : offerFiles(partner, files)),
          () => toast('bad', 'Not read', 'What was dropped could not be read.'),
        )
      }}
    >
      {children}
      {over ? (
        <div className={css['over']} aria-hidden>
          <Upload size={18} />
          Send to {name}
        </div>
      ) : null}
    </div>
  )
}
