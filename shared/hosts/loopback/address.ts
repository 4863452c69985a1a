/** `HOST:PORT` of the browser window's host: this computer only. */
import { AppError } from '../../core/kernel/errors.ts'

export interface ListenAddress {
  /** An IP address. */
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
}

/**
 * Reads `HOST:PORT`, `:PORT` or `PORT`; rejects everything that other computers could reach: the window has no TLS, and
 * whoever opens it owns the workspace.
 */
export function parseListenAddress(text: string, option = '--ui'): ListenAddress {
  const match = /^(?:(\[[0-9a-f:]+\]|[^:\s]*):)?(\d{1,5})$/i.exec(text)
  const port = Number(match?.[2])
  if (match === null || port > 65_535) throw new AppError('input.invalid', `${option}: write HOST:PORT, for example 127.0.0.1:8080 (given: ${printable(text)})`)
  const host = (match[1] ?? '').replaceAll(/[[\]]/g, '').toLowerCase()
  if (host === '' || host === 'localhost') return { host: '127.0.0.1', port }
  if (isLoopback(host)) return { host, port }
  throw new AppError('input.invalid', `${option}: this is for this computer only; use 127.0.0.1:${port} (given: ${printable(text)})`)
}

function isLoopback(host: string): boolean {
  return host === '::1' || /^127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(host)
}

/** As it stands in addresses and `Host` headers. */
export function hostPort(address: ListenAddress): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 80)
}
