import { Copyable } from '../../ui/facts.tsx'

/** Six words that both sides compare by phone. */
export function WordsLine({ words }: { readonly words: readonly string[] }) {
  return (
    <p>
      Read-back words, to compare by phone: <Copyable value={words.join(' ')} label="read-back words" />
    </p>
  )
}
