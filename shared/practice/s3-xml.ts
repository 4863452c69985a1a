/** The little XML that S3 speaks. */

export type Xml = string | number | boolean | readonly Xml[] | { readonly [name: string]: Xml | undefined }

const escaped = (text: string): string => text.replaceAll(/[&<>"'\t\r\n]/g, (found) => `&#${found.charCodeAt(0)};`)

function inner(value: Xml): string {
  if (Array.isArray(value)) return value.map((one: Xml) => inner(one)).join('')
  if (typeof value !== 'object') return escaped(String(value))
  return Object.entries(value).map(([name, content]) => element(name, content)).join('')
}

/** An array repeats its element. */
function element(name: string, content: Xml | undefined): string {
  if (content === undefined) return ''
  if (Array.isArray(content)) return content.map((one: Xml) => element(name, one)).join('')
  return `<${name}>${inner(content)}</${name}>`
}

export function document(name: string, content: Xml): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner(content)}</${name}>`
}

/** The parts out of `CompleteMultipartUpload`; their order stays. */
export function namedParts(text: string): { number: number; etag: string }[] {
  const unescaped = (value: string): string => value.replaceAll('&quot;', '"').replaceAll('&#34;', '"').trim()
  return [...text.matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, part = '']) => ({
    number: Number(/<PartNumber>\s*(\d+)\s*<\/PartNumber>/.exec(part)?.[1]),
    etag: unescaped(/<ETag>([^<]*)<\/ETag>/.exec(part)?.[1] ?? ''),
  }))
}
