import type { ReactNode } from 'react'
import type { FileReceipt, InboundReceipt, MdnReceipt, Receipt } from '../../../shared/contract/deliveries.ts'
import { absoluteText } from '../../lib/format.ts'
import { Copyable, Facts } from '../../ui/facts.tsx'
import { factRows } from './fact-names.ts'

type Rows = readonly (readonly [string, ReactNode])[]

const VERIFIED = { hash: 'SHA-256 computed by the server', 'read-back': 'read back and compared', size: 'size' } as const

const AFTERWARDS = {
  left: 'left where it was',
  deleted: 'deleted',
  moved: 'moved',
  pending: 'not tidied up yet; the next run does it',
  'not-applicable': null,
} as const

function fileRows(receipt: FileReceipt): Rows {
  return [
    ['Place there', <code key="path">{receipt.remotePath}</code>],
    ['Checked by', VERIFIED[receipt.verifiedBy]],
    ['Size there', `${receipt.size} bytes`],
    ...factRows(receipt.facts),
  ]
}

function mdnRows(receipt: MdnReceipt): Rows {
  return [
    ['Message', <Copyable key="id" value={receipt.messageId} label="message id" />],
    ['Partner says', receipt.disposition],
    ['Signed by', receipt.signed ? (receipt.signer ?? 'an unknown certificate') : 'nobody'],
    ['Content check (MIC)', receipt.micMatches === null ? 'none was given' : receipt.micMatches ? `equal (${receipt.micAlgorithm ?? ''})` : 'different: the partner received another content'],
    ['Ours', receipt.micSent],
    ['Theirs', receipt.micReceived],
  ]
}

function inboundRows(receipt: InboundReceipt): Rows {
  return [
    ['From', <code key="source">{receipt.source}</code>],
    ['Released to', receipt.releasedTo],
    ['At the partner', AFTERWARDS[receipt.afterwards]],
    ...factRows(receipt.facts),
  ]
}

function rowsOf(receipt: Receipt): Rows {
  if (receipt.kind === 'operator') return [['Checked by', 'word of the operator']]
  if (receipt.kind === 'mdn') return mdnRows(receipt)
  return receipt.kind === 'received' ? inboundRows(receipt) : fileRows(receipt)
}

/** What the other side gave us, as facts. */
export function ReceiptFacts({ receipt }: { readonly receipt: Receipt }) {
  return <Facts items={[[receipt.kind === 'received' ? 'Received' : 'Confirmed', absoluteText(receipt.at)], ...rowsOf(receipt)]} />
}
