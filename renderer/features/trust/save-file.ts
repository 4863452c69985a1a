/** Hands a small file to the person, through the browser's own download. */
export function saveFile({ fileName, text, encoding }: { readonly fileName: string; readonly text: string; readonly encoding: 'text' | 'base64' }): void {
  const content = encoding === 'text' ? text : Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  const address = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = address
  link.download = fileName
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
