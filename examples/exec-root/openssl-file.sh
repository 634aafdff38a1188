#!/bin/bash
# An exec: root in a page of shell: wraps with RSA-OAEP to a key in a PEM file, by OpenSSL. It shows
# the protocol; a key in a file is better a file: root.
#
# KEY_FILE names the private key (openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072).
set -euo pipefail
key=${KEY_FILE:?set KEY_FILE to the private key}
oaep=(-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256)

read -r name version verb # the request's first line; the rest of stdin is what it is about
[[ $name == rowseal && $version == 1 ]] || exit 3
case $verb in
  describe) openssl pkey -in "$key" -pubout -outform DER | openssl dgst -sha256 -binary ;;
  wrap) openssl pkeyutl -encrypt -inkey "$key" "${oaep[@]}" ;;
  unwrap) openssl pkeyutl -decrypt -inkey "$key" "${oaep[@]}" 2>/dev/null || exit 2 ;;
  *) exit 3 ;;
esac
