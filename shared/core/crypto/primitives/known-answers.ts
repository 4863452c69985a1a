/** Answers for the self-test of the primitives: data only. Hexadecimal unless a comment says otherwise. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** Curve parameters of SEC 2 (p, order, generator), for signatures verified from a digest. */
export const CURVE_PARAMETERS = {
  'P-256': {
    p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    g: {
      x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
      y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
    },
  },
  'P-384': {
    p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    g: {
      x: 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
      y: 0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
    },
  },
  'P-521': {
    p: (1n << 521n) - 1n,
    n: 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    g: {
      x: 0xc6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n,
      y: 0x11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650n,
    },
  },
} as const

export const MESSAGE = 'Waybill known-answer message'

/** Digests of "abc". */
export const DIGESTS = [
  ['md5', '900150983cd24fb0d6963f7d28e17f72'],
  ['sha1', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['sha256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['sha384', 'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7'],
  ['sha512',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d' +
    '4423643ce80e2a9ac94fa54ca49f'],
] as const

/** First ciphertext blocks. */
export const CBC = [
  {
    cipher: 'aes-128-cbc',
    source: 'NIST SP 800-38A F.2.1',
    key: '2b7e151628aed2a6abf7158809cf4f3c',
    iv: '000102030405060708090a0b0c0d0e0f',
    plain: '6bc1bee22e409f96e93d7e117393172a',
    encrypted: '7649abac8119b246cee98e9b12e9197d',
  },
  {
    cipher: 'aes-192-cbc',
    source: 'NIST SP 800-38A F.2.3',
    key: '8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b',
    iv: '000102030405060708090a0b0c0d0e0f',
    plain: '6bc1bee22e409f96e93d7e117393172a',
    encrypted: '4f021db243bc633d7178183a9fa071e8',
  },
  {
    cipher: 'aes-256-cbc',
    source: 'NIST SP 800-38A F.2.5',
    key: '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
    iv: '000102030405060708090a0b0c0d0e0f',
    plain: '6bc1bee22e409f96e93d7e117393172a',
    encrypted: 'f58c4c04d6e5f1ba779eabfb5f7bfbd6',
  },
  {
    cipher: 'des-ede3-cbc',
    source: 'fixed answer of OpenSSL',
    key: '0123456789abcdef23456789abcdef01456789abcdef0123',
    iv: 'f69f2445df4f9b17',
    plain: '6bc1bee22e409f96',
    encrypted: '2079c3d53aa763e1',
  },
] as const

const GCM_AAD = 'feedfacedeadbeeffeedfacedeadbeefabaddad2'
const GCM_PLAIN =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16a' +
  'edf5aa0de657ba637b39'

export const GCM = [
  {
    cipher: 'aes-128-gcm',
    source: 'McGrew and Viega, GCM specification, test case 4',
    key: 'feffe9928665731c6d6a8f9467308308',
    iv: 'cafebabefacedbaddecaf888',
    aad: GCM_AAD,
    plain: GCM_PLAIN,
    encrypted:
    '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba3' +
    '0b396a0aac973d58e091',
    tag: '5bc94fbc3221a5db94fae95ae7121a47',
  },
  {
    cipher: 'aes-192-gcm',
    source: 'McGrew and Viega, GCM specification, test case 10',
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c',
    iv: 'cafebabefacedbaddecaf888',
    aad: GCM_AAD,
    plain: GCM_PLAIN,
    encrypted:
    '3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f4718e2' +
    '448b2fe324d9ccda2710',
    tag: '2519498e80f1478f37ba55bd6d27618c',
  },
  {
    cipher: 'aes-256-gcm',
    source: 'McGrew and Viega, GCM specification, test case 16',
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
    iv: 'cafebabefacedbaddecaf888',
    aad: GCM_AAD,
    plain: GCM_PLAIN,
    encrypted:
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f6' +
    '1e6393ba7a0abcc9f662',
    tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  },
] as const

// Made for this test and used for nothing else. PKCS#8 DER in base64.
const RSA_TEST_KEY =
  'MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCeqtMtRQoetTCJKWcuOeUSlGEHsaluZZrA1SlNCuNk9jxM1UxJ' +
  'l0nLI8IBSGPjXs9aMZz+6p93mUZYbYZKVaAzjAvIAe+yYCUOOkjaSFImsjC0z//ylR/mH8mV/T3SjNTGMS26pCn4mjO3BhdYwRZ3' +
  'yP/dhDfPECDZwgqHHO0j71tpRsZj5LwSh8vI+AZioaY+E3T3LyhSneJLT/iF5jcQY3b9J717+nQG4fv3a1D7VtgjaiSQTRfSEjQG' +
  'fbiBiLQkS84eAyhGPoAIq2f0yYbeDjCQk4T8To67oiYYatr/GJRFTzSlyXqA9oEovsa81darTt/GYFePvwPJcO7zFVfDAgMBAAEC' +
  'ggEAM2m/DAg3A0RK+ecEnCH+bErQNiIHeNJLlvh7bY99p5VybKMhGSeAreZkUu4WD/ME1YEGEkQMcECmXrj+rs+YHZvfpWubM/2b' +
  'hES2nqSYmhlbVvufQAe6UmMyevuYMMWZnK8K1lOjlf7BiyjaH9RRZ3cmEa1qOBpNysHpj2Z8IQxHvH42pBvFsxcCq0nGc6YVOopA' +
  'QEQbGcONsTosoVgYyKPpRZHdKgvHOeXmk0rgTlM8L1TB3m8nthRiYjKoRmbW5WKZl6YYOOGNXpeV7rCWTwSxKxSyql4+2Y3n1N49' +
  'ysuieIOn6tnLK0rt0y2girCRsV1yeyqGbiSPI2s5hTBKYQKBgQDNG1v2lMIT3aJLoOwICtp1Fhf1KTVyMBW1xRefyt/Y+X3Fq0nj' +
  'njmOLbFAS3qz120sAEcLb8Do1HxLV9NZ8FuJjAuwC0cRveu5lp4lBt2etCv7myCskC+5/Czt2uuoM4a7GOoL9drtQF5WFtTgGvbt' +
  'mPxgEylLgeVzZFTWw889NQKBgQDGCZDkUqaEWDuyX7xQJ7JBA1drz6ipSSwg5NRQ4GL49pTaVlAyKHuv0mC0z101ylNXJIYtAOcm' +
  'GmuEmDsMPib6hETzqSL9tii/mLZ1iG+uHInp7mLQt+lKyvkuXrIJ2AqfyjGO7oAzNmUKpAbibu/hF4pW5gbbJqWp86r1gm54FwKB' +
  'gHsRDnX+vhCjbI0KanVM5dVZQ1jDuCDivzQIpWsolHWhBZlEdJpRxuELg447e81K1mOPaxFupYZOcKHYeaU+df4q/JxNt//qP/Vk' +
  'bVF0NCfUnYtjghBol2p16BNzxvBuskmy4kP46bpvY+st2d757u2TXOLcvGtk7mL1cX5HkSJ9AoGAddMbMb069WLJocbz83yqwaOL' +
  'T8mtP4sZhjifWb8nI5kR1xWjgTQ04tb4UptNicNm8mH4sq3m2PS/I5SvDQmthz9LBu2KtAi9FcF2TVdvmte/9j6u7B9/3dAFkWEl' +
  '7FVtfMR/19puzAmA9GPC9NWsQvAOjsUtLxY/Wm5vOMLxluECgYAiz9dJvkTO6Wjn/wMOcfKXwOLymn9QWrosTbfR7AsJUTOBeM81' +
  'nSiJQzF/5wpJ1rvUiOPnDTsjapVLjE4xTxwgYbT/UQOkt0HdamrL4hFnuRJxzSjdRoNJ5EU+PbMOOPoNuKlrEk2WLYT2qrxY9C7e' +
  'rHMWIFvnlRu2kHh4k6jZ8w=='

/** A fixed RSA-2048 key pair, for this self-test only. */
export function rsaTestKey(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const privateKey = createPrivateKey({ key: Buffer.from(RSA_TEST_KEY, 'base64'), type: 'pkcs8', format: 'der' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

/** The content key inside every block of WRAPPED_KEYS. */
export const CONTENT_KEY = Uint8Array.from({ length: 32 }, (_, i) => (i * 7 + 1) & 255)

/** Blocks made by OpenSSL for the test key. */
export const WRAPPED_KEYS = [
  {
    name: 'RSAES-PKCS1-v1_5',
    source: 'block made by OpenSSL',
    transport: { scheme: 'rsaes-pkcs1' },
    wrapped:
      '3bb93e85a7d311da65eb744bd8ba81d127a42e58cddd7a54c57ec83fc837964276e06e1f1cca6c7fc7789581fa1d22c32390' +
      'c8cd610671c50a590fba54edbbcb77184787f9e31311b4b4ed1d3b64305318c9d5952222792c869ece00976149ecce4e2fbe' +
      '004c9cea090ab3913d284838a5622f9669ca6ebd3f535cff7f1c9596d54367e75e17b176a16c5baabb273216a8e5d0dd5e59' +
      '3a00e3dc03f365825c84be66b3e5d7073450d4e9982f9d50d598330d54569226803067c23ef8e71ecfd5c7dfa877cdd8393f' +
      'df87dd325f0a25915173348f28e0ff4d9a06100741f79b0f88655e595ea224b4749ea34aa235eb0a0c3c57def596d87b8d6e' +
      '9081e29fe13a',
  },
  {
    name: 'RSAES-OAEP sha1',
    source: 'block made by OpenSSL',
    transport: { scheme: 'rsaes-oaep', hash: 'sha1' },
    wrapped:
      '6a96fc5b1fd11cdb197dfc1ad0dd2ba82e251b733cf19384b3e305b7180594b087de34ce8f3c68490ce5c944490689bc9bfe' +
      '7ce53638185c5f95a6ff5e3ef7032f6609ead2be2dbf10098a0f5546cddf05b5c0aaabf3ca7f9f02a78c612435b21b44fd6c' +
      'e764149b86def2697fad2af9f83c418f1cef8fb628ed67f7d6dcfa364bb1399475491b9af30432ecf645080e43b7262b61b1' +
      'a88a4aa87ab8e8124435fbe4623d7b5763fd3d34453e09d87ed9d7bf7156c421f8a6941ac878a541e2ba7cd6de6057320f42' +
      '47d298c3c3c95691962095b0401c71379f3a23fe88fc777beed9dfe782e4bacdc6fef4566d3b1f128b72427eeb8ca5c3f0ca' +
      'f06da8d00d38',
  },
  {
    name: 'RSAES-OAEP sha256',
    source: 'block made by OpenSSL',
    transport: { scheme: 'rsaes-oaep', hash: 'sha256' },
    wrapped:
      '3f6cb5636802316d18f125da553ab962c9f7ff67cff3a6b7542a12ad3b803a7aa2798fe83ca13bbb69129dfbb469c2aa754f' +
      '4b9f5a57d4df199f3484080926f5a550baa4a11280b8051a1f254f4098dfee17ce0d57b472ee65eb84ac1672495eb4fa075e' +
      'c7d96d2c6aebe59995fa5049c4b0ea27e938b3cf6ddc48b6880f28eb198c443ca1bbd8713b2cb53e1fb40184025b3d4dcbd8' +
      '326e74048eca661d405b65c62346f3d37dd93badf68e61d96b74bc41c03142f11ee71144353448a66a1a5f17d1f504f8ca1b' +
      'ac9aa3006442f27ad28e9c32a3a1e2b48eeb88f5020ada618c218ba3dc28d18620a7a4ddd0b8d12be995f690f31df866434c' +
      '491a2fa22453',
  },
  {
    name: 'RSAES-OAEP sha384',
    source: 'block made by OpenSSL',
    transport: { scheme: 'rsaes-oaep', hash: 'sha384' },
    wrapped:
      '43d79b52f8d70ed1c7b59db2eb2e057afec4ca6c755327cfac15cb812a66b9841291b6846318f5edae577fa22cf0ece10216' +
      '8ddc99fd552ab60f0a1d9030cdf122d80fb32a5e98587955acfaf8984f4206ffc625c544f89dbb5decb7ea5cf01073c80b40' +
      '98d8020b765c297fa47d8f5b10e8da225510d5ffb7b5656f13e416745753e1e913fdedae67fe188d4f70a541b302afdbffd4' +
      'd21b546a8619cfeed670c0e152220c8b1a00e1dddb0fd842f768eac5bb5c7d827f1217004f5f364c7c60872640262abd3759' +
      '2b604746ff6747cfdbebae59979be3e25076e90dd97879abafa4f36e4db4147cfa207c86d4b778178e86d362dd827a08bc07' +
      'b6b8ceeb6012',
  },
  {
    name: 'RSAES-OAEP sha512',
    source: 'block made by OpenSSL',
    transport: { scheme: 'rsaes-oaep', hash: 'sha512' },
    wrapped:
      '371ea4d0802c109b088d97af2a774da77adb9a0515ecaee8f99938e746162507e7a297b76b2227a02c82c3b14cc32ffa14a1' +
      'bf73e1fd2a41a1eda958699f49c6d7797d7be570f20646806a4cd25c915ed682e5d8d73f6890fe370e544f292d1801e226d6' +
      '31dcc199b8b098c468fa7a8f53ca3a6b3c651c7958827dea7683bb4b6870b10335e661dba2a9778b8f4a14b68b8c493c7586' +
      '3e1bfc83cb75f70e0bf1535583edf422f0afa9aa3c7708cc04d6f7b0a217f29c3fa5de9ff5f9504d7aac91ddfae25fd0f4c6' +
      '87aa67e0f447dc3cb68cbf23cff499507ab3b677aee1940c0663ebb0248f4e293e5a63e81df20ecc4138ade064ced79b9002' +
      '3312d1cf850f',
  },
] as const

/** RSASSA-PKCS1-v1_5, SHA-256, over MESSAGE. */
export const PKCS1_SIGNATURE =
  '1d73cce5895326e428d81d0b87588766f1d6514c391d2feb6839f9094dc560bc61d8142d9e898164287eb2a762f1c71999a7' +
  '56aefad364a6033be7c8a52a431e346c6c4395425bce694df038d6a9a3384f3dfbf508e9fcbcf9870806f407c1ce9ced37d6' +
  '67835a60e2c000f867e0405eb0c3a25d80385b135736512913d08f4c520ff18a98c5ce0da8c526647b99385bb6a8dcfa3ff2' +
  'ceea15cb6ac9b09829004839dcdf48790e3a103add47501bc6d67253bc6d877edfdc2af937cbe7af2c051480feaf75cba0b1' +
  'a093730537d67dc7ac5e19b3b8a45ee2cb83acdf9b71b4439560ed39bab5659173798d65513c8bb328aa41e11d61c86d0386' +
  '3305d0268668'

/** RSASSA-PSS, SHA-256, MGF1 with SHA-256, 32 bytes of salt, over MESSAGE; made by OpenSSL. */
export const PSS_SIGNATURE =
  '72fa948cd59fef874e789f4077db6d13a8cf625d2e814b93c43ed52743f366d813e921c337f6854414b7602be8a9e50e50cb' +
  '3ab83c0551a5846358eb162a434f5fd21f1b2586e56e63db333c65284497f98944675610ddac1a4afe401128e203e11fd571' +
  '2a184394c9ea594bd1caca8cade88250f661adef70fb5d67493c4d1710bade42da8b42a5a679993d2e186c883f833f0dbce6' +
  'c4031604a82049b4ebf9175125932ff5b8c70f0578412a8d8bca6fbc2a21037879d5bba91446997f5277f38827f471ddc50c' +
  '4a3ea55a721df43f5b33db3ea473644d458059f41a80a7dc248456d6ec4dc3e0f0861b61b0dc74d47f1836ca2d867963e6a8' +
  '59a67c94fed0'

/** Signatures over "sample". */
export const ECDSA = [
  {
    curve: 'P-256',
    digest: 'sha256',
    source: 'RFC 6979 A.2.5',
    // base64url
    x: 'YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y',
    y: 'eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk',
    r:
      'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716',
    s:
      'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  },
  {
    curve: 'P-384',
    digest: 'sha384',
    source: 'RFC 6979 A.2.6',
    // base64url
    x: '7DpOQVtOGaRWhhgCn0J_pdqai8SukuAuBqrlKGswDGTe-PDqkFWGYGSiVFFUgLwT',
    y: 'gBXZty19VyROqO-awMYhiWcIpZNn-d-59UyoSz8cnbEoiyMcOuDU_nNE_SUzJkcg',
    r:
      '94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46',
    s:
      '99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8',
  },
  {
    curve: 'P-521',
    digest: 'sha512',
    source: 'RFC 6979 A.2.7',
    // base64url
    x: 'AYlFUNB4WTLgDqojtpTyE_jDEh-G3JegTlpxZ9tOW803ESPUbkXba11TcKfyD7YzFV04_6FtK9dh3KxHS5ovUCOk',
    y: 'AEkxAclizU0v3feCKF5kWEE5wvkbR_h_-CNU1mMPdGoooNsldBtbNKgoAIsirMI_kk-q-9TTP4HqZpVt_qor_fz1',
    r:
      '00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931' +
      'd7d4e8455cc91f9b15bf05ec36e377fa',
    s:
      '00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a' +
      '20f8ccb1dccc43997f1ee0e44da4a67a',
  },
] as const

/** MESSAGE as a zlib stream. */
export const ZLIB_STREAM = '789c0b4fac4ccaccc951c8cecb2fcfd34dcc2b2e4f2d52c84d2d2e4e4c4f05009cfc0ae4'
