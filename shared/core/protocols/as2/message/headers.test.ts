/** The header codec: what we write, what we read, and what we refuse to write. */
import { array, assert, constantFrom, property, string, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildMdn, buildMessage, classifyBody, fileNameParameters, headerBlock, isAs2Id, MessageError, messageIdKey, newMessageId, parseHeaderBlock, readAs2Id, readDisposition, readEnvelope, readFileName, readMediaType, readMessageId, readMicAlgorithm, readReceiptOptions, readReceiptRequest, receiptHeaders, safeFileName, safeHeader, writeAs2Id, writeDisposition, writeMicAlgorithm } from './index.ts'

const code = (wanted: string): unknown => expect.objectContaining({ code: wanted })

describe('AS2 identifiers', () => {
  it.each([
    ['plain', 'plain'],
    ['<a>[b]#!;,', '<a>[b]#!;,'],
    ['two words', '"two words"'],
    [' outer ', '" outer "'],
    ['say "hi" \\o/', String.raw`"say \"hi\" \\o/"`],
  ])('%j is written as %s', (id, header) => {
    expect(writeAs2Id(id)).toBe(header)
    expect(readAs2Id(`  ${header}\t`)).toMatchObject({ id, unquotedBlanks: false })
  })
  it('reads what old products write: quotes that are not needed, blanks without quotes', () => {
    expect(readAs2Id('"plain"')?.id).toBe('plain')
    expect(readAs2Id('two words')).toMatchObject({ id: 'two words', unquotedBlanks: true })
    expect(readAs2Id(String.raw`"\a"`)?.id).toBe('a')
    const twice = readAs2Id(String.raw`"\"two words\""`)?.id ?? ''
    expect([isAs2Id(twice, 'two words'), isAs2Id('two words', 'two words'), isAs2Id('Two words', 'two words'), isAs2Id('', '')]).toEqual([true, true, false, true])
    expect(isAs2Id('two words', twice)).toBe(false)
  })
  it.each(['', 'ä', 'a\r\nX: y', 'x'.repeat(129), '\t'])('refuses %j', (id) => {
    expect(() => writeAs2Id(id)).toThrow(code('message.as2_id_invalid') as Error)
    expect(readAs2Id(id)).toBeUndefined()
  })
  it('survives the round trip', () => {
    assert(property(array(constantFrom(...Array.from({ length: 95 }, (_, index) => String.fromCodePoint(32 + index))), { minLength: 1, maxLength: 128 }), (letters) => readAs2Id(writeAs2Id(letters.join('')))?.id === letters.join('')))
  })
})

describe('Message-ID', () => {
  it('is new each time, short, and fit for a file name', () => {
    const ids = Array.from({ length: 50 }, () => newMessageId({ domain: 'ours.example' }))
    expect(new Set(ids).size).toBe(50)
    for (const id of ids) expect(id).toMatch(/^<[A-Za-z0-9._@-]{20,95}>$/)
  })
  it.each([
    ['<a@b>', 'a@b', true],
    ['0574493161569973Sterling20574493161569973MOKO', '0574493161569973Sterling20574493161569973MOKO', true],
    [' <HOST_4f> ', 'HOST_4f', true],
    ['<a b@c>', 'a b@c', false],
    ['<a\u0001@c>', 'a\u0001@c', false],
    [`<${'x'.repeat(1000)}>`, 'x'.repeat(1000), false],
    ['<ä@b>', 'ä@b', false],
  ])('%s', (raw, key, valid) => expect(readMessageId(raw)).toEqual({ raw: raw.trim(), key, valid }))
  it('is compared with and without brackets, case-sensitively', () => {
    expect(messageIdKey('a@b')).toBe(messageIdKey(' <a@b> '))
    expect(messageIdKey('<A@b>')).not.toBe(messageIdKey('<a@b>'))
  })
})

describe('receipt options', () => {
  it.each([
    ['signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha256, sha1', true, ['sha256', 'sha1']],
    ['signed-receipt-protocol=optional,pkcs7-signature;signed-receipt-micalg=optional,sha1', true, ['sha1']],
    ['SIGNED-RECEIPT-PROTOCOL=Required,\tPKCS7-Signature;\tSigned-Receipt-MICALG=required,\tSHA-512', true, ['sha512']],
    ['signed-receipt-micalg=optional, x-new, "SHA2-256";; signed-receipt-protocol = optional , pkcs7-signature ;', true, ['sha256']],
    ['signed-receipt-protocol=pkcs7-signature; signed-receipt-micalg=md5', true, ['md5']],
    ['signed-receipt-protocol=optional, pgp; unknown=1', false, []],
    ['', false, []],
    ['garbage', false, []],
  ])('%s', (value, signed, micAlgorithms) => expect(readReceiptOptions(value)).toMatchObject({ signed, micAlgorithms }))
  it('writes one algorithm, the signing digest, unfolded', () => {
    expect(receiptHeaders({ signed: true, to: 'us' }, 'sha384')).toEqual([
      ['Disposition-Notification-To', 'us'],
      ['Disposition-Notification-Options', 'signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-384'],
    ])
  })
  it('wants nothing when nobody asked, whatever the options say', () => {
    expect(readReceiptRequest([['Disposition-Notification-Options', 'signed-receipt-protocol=optional, pkcs7-signature']])).toEqual({ wanted: false })
  })
  it.each([
    ['http://a.example/mdn?x=1', 'async'],
    ['HTTPS://a.example', 'async'],
    ['mailto:a@b', 'unusable'],
    ['file:///etc/passwd', 'unusable'],
    ['gopher://x', 'unusable'],
    ['not a url', 'unusable'],
    ['', 'sync'],
  ])('Receipt-Delivery-Option %s is %s', (url, mode) => {
    expect(readReceiptRequest([['disposition-notification-to', ''], ['receipt-delivery-option', url]])).toMatchObject({ wanted: true, delivery: { mode } })
  })
})

it.each([
  ['sha1', 'sha1'], ['sha-1', 'sha1'], ['SHA1', 'sha1'], ['SHA', 'sha1'], ['rsa-sha1', 'sha1'], ['rsa_sha256', 'sha256'], ['sha256', 'sha256'], ['sha-256', 'sha256'], ['SHA_256', 'sha256'], ['sha2-256', 'sha256'], ['"sha-384"', 'sha384'], ['sha512', 'sha512'], ['rsa-md5', 'md5'], ['MD5', 'md5'], ['toString', undefined], ['sha3-256', undefined], ['', undefined],
])('micalg %s is %s', (name, algorithm) => expect(readMicAlgorithm(name)).toBe(algorithm))
it('writes micalg as products read it', () => {
  expect((['sha1', 'sha256', 'sha512', 'md5'] as const).map((name) => [writeMicAlgorithm(name), writeMicAlgorithm(name, 'old')])).toEqual([['sha1', 'sha1'], ['sha-256', 'sha256'], ['sha-512', 'sha512'], ['md5', 'md5']])
})

describe('parameters', () => {
  it.each([
    ['multipart/signed;protocol="application/pkcs7-signature";micalg=sha1;boundary="_=1"', 'multipart/signed', { protocol: 'application/pkcs7-signature', micalg: 'sha1', boundary: '_=1' }],
    ['Multipart/Signed ;\tMICALG="md5" ; Boundary=abc;', 'multipart/signed', { micalg: 'md5', boundary: 'abc' }],
    [String.raw`a/b; name="q\"u\\o"; x=1:`, 'a/b', { name: String.raw`q"u\o`, x: '1:' }],
    ['a/b:', 'a/b', {}],
    ['', '', {}],
    ['attachment; filename=with blanks.edi; size=3', 'attachment', { filename: 'with blanks.edi', size: '3' }],
    ['attachment; filename=""twice""', 'attachment', { filename: 'twice' }],
    ['attachment; filename="C:\\temp\\x.edi"', 'attachment', { filename: 'C:\\temp\\x.edi' }],
    ["attachment; filename*=UTF-8''M%C3%A4rz%20%E2%82%AC.edi; filename=\"Marz.edi\"", 'attachment', { filename: 'März €.edi' }],
    ["attachment; filename*0*=iso-8859-1'de'M%E4; filename*1=rz; filename*2*=%2Eedi", 'attachment', { filename: 'März.edi' }],
    ["attachment; filename*=nonsense''%C3%A4", 'attachment', { filename: 'Ã¤' }],
  ])('%s', (header, value, parameters) => {
    const read = readMediaType(header)
    expect(read.value).toBe(value)
    expect(Object.fromEntries(read.parameters)).toEqual(parameters)
  })
})

describe('file names', () => {
  it('come from Content-Disposition first, then Content-Type, in any encoding', () => {
    expect(readFileName([['content-type', 'a/b; name=n.edi'], ['Content-Disposition', 'Attachment; filename="f.edi"']])).toBe('f.edi')
    expect(readFileName([['Content-Type', 'a/b; name="=?UTF-8?B?TcOkcno=?= =?iso-8859-1?Q?=E4_b?="']])).toBe('Märzä b')
    expect(readFileName([['Content-Disposition', 'attachment']])).toBeUndefined()
  })
  it.each([
    ['../../etc/passwd', 'passwd'],
    ['..\\..\\windows\\system32\\x.dll', 'x.dll'],
    ['/etc/', 'payload'],
    ['..', 'payload'],
    ['.', 'payload'],
    ['', 'payload'],
    ['C:\\temp\\orders.edi', 'orders.edi'],
    ['a\u0000b\r\nc.edi', 'abc.edi'],
    ['what?*"<>|:.txt', 'what.txt'],
    ['.bashrc', '_bashrc'],
    ['...hidden', '___hidden'],
    ['trailing. . ', 'trailing'],
    ['CON', '_CON'],
    ['nul.txt', '_nul.txt'],
    ['com1 .x', '_com1 .x'],
    ['LPT\u00b9', '_LPT\u00b9'],
    ['console.txt', 'console.txt'],
    ['gnp\u202exe.edi', 'gnpxe.edi'],
    ['Ma\u0308rz.edi', 'März.edi'],
    ['   ', 'payload'],
    ['___', 'payload'],
    ['\ud800x', 'x'],
  ])('%j becomes %j', (raw, safe) => expect(safeFileName(raw)).toBe(safe))
  it('fall back to another name, made safe in the same way', () => {
    expect(safeFileName(undefined, '../a/<id@host>')).toBe('id@host')
    expect(safeFileName('..', '..')).toBe('payload')
  })
  it('are always safe, at most 255 bytes, and keep their extension', () => {
    expect(safeFileName(`${'ä'.repeat(300)}.edi`)).toMatch(/^ä{125}\.edi$/)
    assert(
      property(string({ unit: 'binary', maxLength: 400 }), (raw) => {
        const safe = safeFileName(raw)
        return safe.length > 0 && Buffer.byteLength(safe) <= 255 && !/[/\\\p{Cc}:*?"<>|]|^\.|[. ]$/u.test(safe) && safeFileName(safe) === safe
      }),
      { numRuns: 2000 },
    )
  })
  it('are written in ASCII, and beside it as they are', () => {
    expect(fileNameParameters('orders.edi')).toBe('filename="orders.edi"')
    expect(fileNameParameters('a "b".edi')).toBe(String.raw`filename="a \"b\".edi"`)
    expect(fileNameParameters('März €.edi')).toBe(`filename="Marz _.edi"; filename*=UTF-8''M%C3%A4rz%20%E2%82%AC.edi`)
    expect(fileNameParameters('two words.edi', 'bare')).toBe('filename=two words.edi')
    expect(fileNameParameters('/home/me/x.edi')).toBe('filename="x.edi"')
    expect(() => fileNameParameters('a\r\nX: y')).toThrow(code('message.header_unsafe') as Error)
  })
  it('survive the round trip', () => {
    assert(
      property(string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), (name) => {
        if (/[\p{Cc}/\\]/u.test(name) || name.trim() === '') return
        expect(readFileName([['Content-Disposition', `attachment; ${fileNameParameters(name)}`]])).toBe(name.toWellFormed())
      }),
    )
  })
})

describe('header blocks', () => {
  it('are read folded, with LF, with blanks before the colon, with lines that are none', () => {
    const { fields, folded, ignoredLines } = parseHeaderBlock(Buffer.from('A: 1\r\nb :2\n  more\r\n\tand more\nnonsense\nC:\r\n'))
    expect(fields).toEqual([['A', '1'], ['b', '2 more and more'], ['C', '']])
    expect({ folded, ignoredLines }).toEqual({ folded: true, ignoredLines: 1 })
  })
  it('are bounded', () => {
    expect(() => parseHeaderBlock(Buffer.alloc(64 * 1024 + 1, 'a'))).toThrow(code('message.limit') as Error)
    expect(() => parseHeaderBlock(Buffer.from('a: b\r\n'.repeat(201)))).toThrow(code('message.limit') as Error)
  })
  it.each(['a\r\nB: c', 'a\nb', 'a\u0000', 'ä', 'a\u007f', '\t'])('are never written with %j', (value) => {
    expect(() => safeHeader('Subject', value)).toThrow(code('message.header_unsafe') as Error)
    expect(() => headerBlock([['X', value]])).toThrow(code('message.header_unsafe') as Error)
    expect(() => safeHeader(`X${value}`, 'a')).toThrow(code('message.header_unsafe') as Error)
  })
  it('of a message take no value that could write another line', () => {
    const base = { as2From: 'a', as2To: 'b', payloads: [{ source: [], contentType: 'text/plain' }] }
    const evil = 'x\r\nAS2-From: somebody'
    for (const more of [{ as2From: evil }, { as2To: evil }, { subject: evil }, { from: evil }, { userAgent: evil }, { messageId: `<${evil}>` }, { messageId: 'no brackets' }, { product: evil }, { features: [evil] }, { extraHeaders: [['X', evil] as const] }, { extraHeaders: [[evil, 'x'] as const] }, { receipt: { signed: true, to: evil } }, { receipt: { signed: true, to: 'x', asyncUrl: `http://a/${evil}` } }, { receipt: { signed: true, to: 'x', asyncUrl: 'file:///x' } }, { payloads: [{ source: [], contentType: `text/plain; ${evil}` }] }, { payloads: [{ source: [], contentType: 'text/plain', fileName: evil }] }, { payloads: [] }]) {
      expect(() => {
        const built = buildMessage({ ...base, ...more })
        headerBlock(built.headers)
      }).toThrow(MessageError)
    }
    expect(headerBlock(buildMessage(base).headers).toString()).not.toMatch(/\r\n[ \t]/)
  })
  it('and bodies of receipts echo nothing that could write a field', async () => {
    const evil = '<x@y>\r\nDisposition: automatic-action/MDN-sent-automatically; processed'
    const mdn = buildMdn({ as2From: 'a', as2To: 'b', disposition: { kind: 'error', modifier: 'invalid-message-id' }, originalMessageId: evil, text: `bad\r\n--boundary\r\nContent-Type: x\r\n\r\n${'y'.repeat(3000)}\u0007\u0000` })
    const text = Buffer.from(mdn.body).toString('latin1')
    expect(text).not.toContain('Original-Message-ID')
    expect(text.match(/^Disposition:/gm)).toHaveLength(1)
    expect(text).not.toContain('\u0000')
    for (const line of text.split('\r\n')) expect(line.length).toBeLessThan(998)
    expect(() => buildMdn({ as2From: 'a\r\nb', as2To: 'b', disposition: { kind: 'processed' } })).toThrow(code('message.as2_id_invalid') as Error)
  })
})

describe('envelope', () => {
  it('never throws, and trusts nothing that is said twice', () => {
    expect(readEnvelope([['AS2-From', 'a'], ['as2-from', 'b'], ['AS2-TO', 'c'], ['MESSAGE-ID', 'x']])).toMatchObject({ to: { id: 'c' }, messageId: { raw: 'x' }, version: '1.0', warnings: ['as2-header-repeated', 'message-id-unusual'] })
    assert(property(array(uint8Array({ maxLength: 60 }), { maxLength: 8 }), (lines) => void readEnvelope(lines.map((line, index) => [['AS2-From', 'Message-ID', 'Disposition-Notification-To', 'Receipt-Delivery-Option', 'Disposition-Notification-Options', 'EDIINT-Features'][index % 6] ?? '', Buffer.from(line).toString('latin1')]))))
  })
})

describe('dispositions', () => {
  it.each([
    ['automatic-action/MDN-sent-automatically; processed', 'processed', undefined],
    ['Automatic-action/mdn-sent-automatically;processed', 'processed', undefined],
    ['manual-action/MDN-sent-manually; processed', 'processed', undefined],
    ['automatic-action/MDN-sent-automatically; processed/error: authentication-failed', 'error', 'authentication-failed'],
    ['automatic-action/MDN-sent-automatically; processed/Error:Could not parse message', 'error', 'could not parse message'],
    ['automatic-action/MDN-sent-automatically; processed/error', 'error', 'error'],
    ['automatic-action/MDN-sent-automatically; processed/something: new', 'error', 'new'],
    ['automatic-action/MDN-sent-automatically; processed/warning: duplicate-document', 'warning', 'duplicate-document'],
    ['automatic-action/MDN-sent-automatically; failed/Failure: unsupported MIC-algorithms', 'failed', 'unsupported mic-algorithms'],
    ['automatic-action/MDN-sent-automatically; failed', 'failed', undefined],
    ['processed', 'processed', undefined],
    ['automatic-action/MDN-sent-automatically; error: x', 'unreadable', undefined],
    ['', 'unreadable', undefined],
  ])('%s', (raw, outcome, modifier) => {
    const read = readDisposition(raw)
    expect(read.outcome).toBe(outcome)
    expect(read.modifier).toBe(modifier)
    expect(read.duplicate).toBe(/duplicate/.test(raw))
  })
  it('separate fields say no as well', () => {
    expect(readDisposition('a; processed', { error: 'decryption-failed' })).toMatchObject({ outcome: 'error', modifier: 'decryption-failed' })
    expect(readDisposition('a; processed', { failure: 'x' }).outcome).toBe('failed')
    expect(readDisposition('a; processed', { warning: 'x', error: ' ' }).outcome).toBe('warning')
  })
  it('newer modifiers only go to partners who know them', () => {
    const disposition = { kind: 'error', modifier: 'unknown-trading-relationship' } as const
    expect(writeDisposition(disposition)).toBe('automatic-action/MDN-sent-automatically; processed/error: unexpected-processing-error')
    expect(writeDisposition(disposition, { modern: true })).toBe('automatic-action/MDN-sent-automatically; processed/error: unknown-trading-relationship')
    expect(writeDisposition({ kind: 'failure', reason: 'unsupported format' })).toBe('automatic-action/MDN-sent-automatically; failed/Failure: unsupported format')
  })
})

describe('kinds of bodies', () => {
  const signed = [['Content-Type', 'multipart/signed; boundary=b']] as const
  it.each([
    [[['Content-Type', 'multipart/report; report-type=disposition-notification']], 'x', 'mdn'],
    [signed, '--b\r\nContent-Type: multipart/report;\r\n boundary=c\r\n\r\n', 'mdn'],
    [signed, 'Content-Type: multipart/signed\r\n\r\n--b\r\ncontent-type:multipart/report\r\n\r\n', 'mdn'],
    [signed, '--b\r\nContent-Type: application/edi-x12\r\n\r\nmultipart/report', 'message'],
    [[['content-type', 'message/disposition-notification']], 'x', 'mdn'],
    [[['content-type', 'application/x-pkcs7-mime']], 'x', 'message'],
    [[['content-type', 'application/json']], '{}', 'other'],
    [[['content-type', 'text/html'], ['AS2-From', 'a']], '<html>', 'message'],
    [[], '', 'empty'],
    [[], 'x', 'other'],
  ] as const)('%j %s', (headers, body, kind) => expect(classifyBody(headers, Buffer.from(body))).toBe(kind))
})
