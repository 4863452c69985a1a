import type { RoleFitness } from '../../../shared/contract/trust-details.ts'
import type { PreviewItem, TrustItem } from '../../../shared/contract/trust.ts'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { Status } from '../../ui/status.tsx'
import { isFit, KINDS, readable, ROLES, validityText } from './words.ts'
import ui from '../../ui/ui.module.css'

/** Everything that stands in a key or certificate, for comparing. */
export function ItemFacts({ item }: { readonly item: Pick<TrustItem | PreviewItem, 'kind' | 'algorithm' | 'bits' | 'fingerprint' | 'hasPrivateKey' | 'notBefore' | 'notAfter' | 'x509' | 'pgp'> }) {
  const { x509, pgp } = item
  return (
    <Facts
      items={[
        ['What it is', `${KINDS[item.kind]}, ${item.algorithm}${item.bits === null ? '' : `, ${item.bits} bit`}${item.hasPrivateKey ? ', with its private key' : ''}`],
        ['Owner', x509?.subject],
        ['Issued by', x509 === null ? null : x509.selfSigned ? 'itself' : x509.issuer],
        ['Names', pgp === null ? x509?.altNames.join(', ') : pgp.userIds.map(({ text, valid }) => `${text}${valid ? '' : ' (not certified)'}`).join(', ')],
        ['Valid', item.notAfter === null ? (pgp === null ? null : 'for ever') : `${item.notBefore?.slice(0, 10) ?? ''} to ${item.notAfter.slice(0, 10)}`],
        ['Serial number', x509?.serial],
        ['SHA-256', <Copyable key="sha256" value={readable(item.fingerprint)} label="fingerprint" />],
        ['SHA-1', x509 === null ? null : <Copyable key="sha1" value={readable(x509.sha1)} label="SHA-1 fingerprint" />],
        ['Usage', x509 === null ? null : [...(x509.keyUsage ?? []), ...(x509.extendedKeyUsage ?? [])].join(', ') || 'not limited'],
        ['Chain', x509?.chain.map(({ subject, notAfter }) => `${subject} (${validityText(notAfter, Date.parse(notAfter) - 1)})`).join(' ← ')],
        ['Subkeys', pgp?.parts.slice(1).map(({ algorithm, capabilities, expires, revoked }) => `${algorithm} (${capabilities.join(', ')}${expires === null ? '' : `, until ${expires.slice(0, 10)}`}${revoked === null ? '' : ', revoked'})`).join('; ')],
      ]}
    />
  )
}

/** What it can be used for, and what speaks against it. */
export function FitnessList({ fitness }: { readonly fitness: readonly RoleFitness[] }) {
  return (
    <ul className={ui['stack']}>
      {fitness.map((one) => (
        <li key={one.role} className={ui['row']}>
          <span className={ui['grow']}>
            {ROLES[one.role]}
            {one.problems.map(({ code, message }) => (
              <span key={code} className="quiet small">
                <br />
                {message}
              </span>
            ))}
          </span>
          {!isFit(one) ? <Status tone="wait">Cannot</Status> : one.problems.length > 0 ? <Status tone="warn">With care</Status> : <Status tone="ok">Fit</Status>}
        </li>
      ))}
    </ul>
  )
}
