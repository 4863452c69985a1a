/** What the core found wrong, by the path of the field. Pure. */
import type { Problems } from '../../partners/draft.ts'

/** Reads the core's answer; what it found beyond the schema stands in its message (`targets.0: there is no partner acme`). */
export function problemsIn(error: { readonly code?: string; readonly message: string; readonly details?: Readonly<Record<string, string>> | undefined } | undefined): Problems {
  const found = new Map(Object.entries(error?.details ?? {}).map(([path, text]) => [bracketed(path), text]))
  if (error !== undefined && found.size === 0) {
    const [, path, text] = /^([a-zA-Z][\w.[\]]*): (.+)$/s.exec(error.message) ?? []
    if (path !== undefined && text !== undefined) found.set(bracketed(path), text)
  }
  return {
    at: (path) => found.get(path),
    below: (path) => [...found.keys()].some((key) => key === path || key.startsWith(`${path}.`) || key.startsWith(`${path}[`)),
  }
}

/** `targets.0` → `targets[0]`. */
function bracketed(path: string): string {
  return path.replaceAll(/\.(\d+)(?=\.|$)/g, '[$1]')
}
