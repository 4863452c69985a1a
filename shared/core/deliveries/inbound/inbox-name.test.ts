import { assert, integer, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { numberedName, safeName } from './inbox-name.ts'

describe('names in the Inbox', () => {
  it.each([
    ['orders.edi', 'orders.edi'],
    ['Überweisung März.xml', 'Überweisung März.xml'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\windows\\system32\\a.dll', 'a.dll'],
    ['..', 'file'],
    ['', 'file'],
    ['...hidden', 'hidden'],
    ['trailing. . ', 'trailing'],
    ['a:b*c?"d<e>f|g', 'a_b_c__d_e_f_g'],
    ['con.txt', '_con.txt'],
    ['COM1', '_COM1'],
    ['nul.tar.gz', '_nul.tar.gz'],
    ['invoice\u202Efdp.exe', 'invoice_fdp.exe'],
    ['a\u0000b\nc', 'a_b_c'],
  ])('%j becomes %j', (name, expected) => {
    expect(safeName(name)).toBe(expected)
  })

  it('number themselves before the ending', () => {
    expect([1, 2, 12].map((number) => numberedName('orders.edi', number))).toEqual(['orders.edi', 'orders (2).edi', 'orders (12).edi'])
    expect(numberedName('README', 2)).toBe('README (2)')
  })

  it('are always one short, visible part of a path, whatever a partner sends', () => {
    assert(
      property(oneof(string({ unit: 'binary', maxLength: 300 }), string({ unit: 'grapheme', maxLength: 300 })), integer({ min: 1, max: 9999 }), (name, number) => {
        const safe = numberedName(safeName(name), number)
        expect([...safe].some((letter) => letter < ' ' || letter === '/' || letter === '\\')).toBe(false)
        expect(safe).not.toMatch(/^[. ]/)
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(250)
        expect(safe.length).toBeGreaterThan(0)
      }),
    )
  })
})
