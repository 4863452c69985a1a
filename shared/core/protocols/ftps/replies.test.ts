import { FTPError } from 'basic-ftp'
import { describe, expect, it } from 'vitest'
import { operationError, signInError } from './errors.ts'
import { hashCommand, readEntry, readEpsvPort, readFeatures, readFolder, readHash, readListing, readPasvPort, readTime } from './replies.ts'

it('reads FEAT with and without indentation', () => {
  const features = readFeatures('211-Features:\r\n MDTM\r\n REST STREAM\r\nmlst type*;size*;modify*;\r\n HASH CRC32;SHA-1;SHA-256*\r\n211 End')
  expect([...features]).toEqual([['MDTM', ''], ['REST', 'STREAM'], ['MLST', 'type*;size*;modify*;'], ['HASH', 'CRC32;SHA-1;SHA-256*']])
  expect(hashCommand(features)).toBe('HASH')
  expect(hashCommand(readFeatures('211-x\n XSHA256 a;b\n211 End'))).toBe('XSHA256')
  expect(hashCommand(readFeatures('211-x\n HASH MD5;SHA-1*\n211 End'))).toBeNull()
  expect(readFeatures('211 no features').size).toBe(0)
})

it.each([
  ['257 "/home/acme" is the current directory', '/home/acme'],
  ['257 "/a ""b"" c"', '/a "b" c'],
  ['257 "/"', '/'],
  ['257 somewhere', null],
  ['257 ""', null],
])('reads the folder of %j', (message, folder) => expect(readFolder(message)).toBe(folder))

it.each([
  ['229 Entering Extended Passive Mode (|||6446|)', 6446],
  ['229 Entering Extended Passive Mode (!!!1!)', 1],
  ['229 (|||0|)', null],
  ['229 (|||65536|)', null],
  ['229 (|2|10.0.0.1|21|)', null],
  ['229 ok', null],
])('reads the port of %j', (message, port) => expect(readEpsvPort(message)).toBe(port))

it.each([
  ['227 Entering Passive Mode (10,0,0,1,4,1)', 1025],
  ['227 =192,168,1,2,255,255', 65_535],
  ['227 (1,2,3,4,256,1)', null],
  ['227 (1,2,3,4,0,0)', null],
  ['227 here', null],
])('reads only the port of %j', (message, port) => expect(readPasvPort(message)).toBe(port))

it('reads times in UTC, with fractions, and no impossible ones', () => {
  expect(readTime('213 20260229120000')).toBe('2026-03-01T12:00:00.000Z')
  expect(readTime('20261125184215.5')).toBe('2026-11-25T18:42:15.500Z')
  expect(readTime('213 yesterday')).toBeNull()
  expect(readTime('20261399999999')).toBeNull()
})

it('reads one entry of MLST, blanks in its name and all, and lists of three kinds', () => {
  const entry = readEntry('250-Start of list for a b.edi\r\n modify=20261125184215;size=12;type=file; /in/a b.edi\r\n250 End', 'a b.edi')
  expect(entry).toEqual({ name: 'a b.edi', kind: 'file', size: 12, modifiedAt: '2026-11-25T18:42:15.000Z' })
  expect(readEntry('250-x\n Type=dir;Modify=20261125184215; /in\n250 End', 'in')).toMatchObject({ kind: 'folder' })
  expect(readEntry('250 nothing here', 'x')).toBeNull()
  expect(readListing('type=cdir; .\r\ntype=file;size=3;modify=20261125184215; x y.txt\r\n')).toEqual([{ name: 'x y.txt', kind: 'file', size: 3, modifiedAt: '2026-11-25T18:42:15.000Z' }])
  expect(readListing('-rw-r--r--    1 0        0              12 Nov 25 18:42 orders.edi\r\ndrwxr-xr-x    2 0        0            4096 Nov 25 18:42 done\r\n')).toEqual([
    { name: 'orders.edi', kind: 'file', size: 12, modifiedAt: null, version: 'listed Nov 25 18:42' },
    { name: 'done', kind: 'folder', size: 4096, modifiedAt: null, version: 'listed Nov 25 18:42' },
  ])
  expect(readListing('11-25-26  06:42PM                 5 dos.txt\r\n')).toEqual([expect.objectContaining({ name: 'dos.txt', kind: 'file', size: 5, modifiedAt: null })])
  expect(readListing('')).toEqual([])
})

it('finds the checksum before a name that looks like one', () => {
  const hash = 'a'.repeat(64)
  expect(readHash(`213 SHA-256 0-1048575 ${hash.toUpperCase()} ${'b'.repeat(64)}`)).toBe(hash)
  expect(readHash('550 no')).toBeNull()
})

describe('the words of servers', () => {
  const doing = { verb: 'write', name: 'a.edi', folder: '/in' }
  it.each([
    [552, '552 Disk quota exceeded', 'remote.no_space'],
    [452, '452 Insufficient storage', 'remote.no_space'],
    [451, '451 a.edi: No space left on device', 'remote.no_space'],
    [550, '550 a.edi: No such file or directory', 'remote.not_found'],
    [550, '550 Permission denied.', 'remote.permission_denied'],
    [553, '553 Could not create file.', 'remote.permission_denied'],
    [550, '550 File name too long', 'remote.name_refused'],
    [550, '550 Failed to open file.', 'remote.failed'],
    [421, '421 Idle timeout (60 seconds): closing control connection', 'net.connection_lost'],
    [425, '425 Failed to establish connection.', 'ftps.data_refused'],
    [522, '522 SSL connection failed; session reuse required: see require_ssl_reuse option', 'ftps.data_refused'],
  ])('%i: %s', (code, message, expected) => expect(operationError(new FTPError({ code, message }), doing, 'ftp.example:21').code).toBe(expected))

  it.each([
    [530, '530 Login incorrect.', 'remote.auth_refused'],
    [421, '421 There are too many connections from your internet address.', 'ftps.busy'],
    [530, '530 Sorry, the maximum number of clients (1) for this user are already connected.', 'ftps.busy'],
    [500, '500 OOPS: cannot change directory', 'remote.failed'],
  ])('while signing in, %i: %s', (code, message, expected) => expect(signInError(new FTPError({ code, message }), 'ftp.example:21').code).toBe(expected))

  it('tells a silent server from a lost line', () => {
    expect(operationError(new Error('Timeout (control socket)'), doing, 's').code).toBe('net.idle')
    expect(operationError(new Error('Client is closed because Timeout (control socket)'), doing, 's').code).toBe('net.idle')
    expect(operationError(new Error('Server closed connection unexpectedly.'), doing, 's').code).toBe('net.connection_lost')
    expect(operationError(Object.assign(new Error('read'), { code: 'ECONNRESET' }), doing, 's').code).toBe('net.connection_lost')
  })
})
