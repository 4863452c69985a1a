import type { ReactNode } from 'react'
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { Button } from './button.tsx'
import css from './ui.module.css'

/** Keeps the focus inside, closes with Escape. */
export function Dialog({ title, open, onClose, wide = false, children }: { readonly title: string; readonly open: boolean; readonly onClose: () => void; readonly wide?: boolean; readonly children: ReactNode }) {
  return (
    <ModalOverlay isOpen={open} onOpenChange={(next) => (next ? undefined : onClose())} isDismissable={false} className={css['overlay'] ?? ''}>
      <Modal className={`${css['modal'] ?? ''} ${wide ? (css['wide'] ?? '') : ''}`}>
        <AriaDialog className={css['dialog'] ?? ''}>
          <Heading slot="title" level={2}>
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}

export function DialogActions({ children }: { readonly children: ReactNode }) {
  return <div className={css['actions']}>{children}</div>
}

/** Asks before something that cannot be undone, or (`look` primary) that does much at once; Cancel has the focus. */
export function ConfirmDialog({ title, open, action, look = 'danger', onClose, onConfirm, children }: { readonly title: string; readonly open: boolean; readonly action: string; readonly look?: 'danger' | 'primary'; readonly onClose: () => void; readonly onConfirm: () => void; readonly children: ReactNode }) {
  return (
    <Dialog title={title} open={open} onClose={onClose}>
      <div>{children}</div>
      <DialogActions>
        <Button autoFocus onClick={onClose}>
          Cancel
        </Button>
        <Button look={look} onClick={onConfirm}>
          {action}
        </Button>
      </DialogActions>
    </Dialog>
  )
}
