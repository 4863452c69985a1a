import { useEffect, useState } from 'react'
import { absoluteText, relativeText } from '../lib/format.ts'

/** How long ago, with the exact time on hover; keeps up by itself. */
export function Time({ at }: { readonly at: string }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000)
    return () => clearInterval(timer)
  }, [])
  return (
    <time dateTime={at} title={absoluteText(at)}>
      {relativeText(at, now)}
    </time>
  )
}
