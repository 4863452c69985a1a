import { useEffect, useRef, type ComponentProps } from 'react'

interface FormProps extends Omit<ComponentProps<'form'>, 'onSubmit' | 'ref'> {
  /** Why the last try was refused, with the fields that it names already marked. */
  readonly refused?: object | undefined
  readonly onSubmit: () => void
}

/** After a refused try the first field that is wrong has the focus, also where it is far up or down a long form. */
export function Form({ refused, onSubmit, ...rest }: FormProps) {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (refused !== undefined) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [refused])
  return (
    <form
      {...rest}
      ref={form}
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    />
  )
}
