/** The receiver's settings as the form's fields and back, and what a person must see to. Pure. */
import type { ReceiverSettings, ReceiverStatus } from '../../../shared/contract/as2.ts'

export interface ReceiverDraft {
  readonly enabled: boolean
  readonly host: string
  readonly port: string
  readonly tls: boolean
  /** Empty: the newest one in the role. */
  readonly certificate: string
  readonly maxParallel: string
  readonly oldHttp: boolean
}

export function receiverDraft({ enabled, host, port, tls, certificate, maxParallel, oldHttp }: ReceiverSettings): ReceiverDraft {
  return { enabled, host, port: String(port), tls, certificate: certificate ?? '', maxParallel: String(maxParallel), oldHttp }
}

/** Numbers that are none become NaN, which the contract refuses by the name of the field. */
export function receiverChange({ enabled, host, port, tls, certificate, maxParallel, oldHttp }: ReceiverDraft): ReceiverSettings {
  return { enabled, host, port: numberIn(port), tls, certificate: certificate === '' ? null : certificate, maxParallel: numberIn(maxParallel), oldHttp }
}

function numberIn(text: string): number {
  return /^\d+$/.test(text.trim()) ? Number(text.trim()) : Number.NaN
}

/** What must be reachable from outside, for the operator who opens the firewall. */
export function reachText({ settings, listening, address, publicAddress }: ReceiverStatus): string {
  if (!listening) return 'Partners cannot send to us, and their asynchronous receipts cannot reach us. Sending with receipts in the answer works without it.'
  const local = isThisComputer(settings.host)
  const port = portOf(address) ?? String(settings.port)
  const way = local ? `It takes connections from this computer alone: a proxy on it must pass requests on to port ${port}.` : `Your firewall must let partners through to port ${port} of this computer.`
  return publicAddress === null ? `${way} Enter the address for partners, so that you can tell it to them.` : `${way} From outside, ${publicAddress} must lead here.`
}

function isThisComputer(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

function portOf(address: string | null): string | undefined {
  return address === null ? undefined : /:(\d+)(\/|$)/.exec(address)?.[1]
}
