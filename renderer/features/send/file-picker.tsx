import { useRef, type ReactNode } from 'react'
import { Button } from '../../ui/button.tsx'
import { offerFiles } from './send-store.ts'

/** The way to send without dragging. */
export function FilePicker({ partner, icon }: { readonly partner: string; readonly icon?: ReactNode }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <Button look="primary" icon={icon} onClick={() => input.current?.click()}>
        Send files
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files to send"
        onChange={(event) => {
          offerFiles(partner, [...(event.target.files ?? [])])
          event.target.value = ''
        }}
      />
    </>
  )
}
