#!/bin/bash
# An exec: root for a hardware security module: wraps with RSA-OAEP to a key pair in a PKCS #11
# token, by OpenSC's pkcs11-tool. The private key never leaves the token. Tried with SoftHSM2.
#
# A configuration beside this script, pkcs11.conf (mode 0600), sets:
#   MODULE   the token's library, for example /usr/lib/softhsm/libsofthsm2.so
#   TOKEN    the token's label
#   KEY      the key pair's label
#   PIN_FILE a file that holds the user's PIN (mode 0600)
#
# pkcs11-tool takes the PIN from an environment variable of its own, so it never stands in argv.
set -euo pipefail
umask 077
conf=${PKCS11_CONF:-$(dirname "$0")/pkcs11.conf}
# shellcheck source=/dev/null
. "$conf"
tool=(pkcs11-tool --module "$MODULE" --token-label "$TOKEN")
export PIN
PIN=$(cat "$PIN_FILE")

folder=$(mktemp -d /dev/shm/rowseal-pkcs11-XXXXXX) # pkcs11-tool wants files: in memory, for a moment
trap 'rm -rf "$folder"' EXIT

public_key() {
  "${tool[@]}" --read-object --type pubkey --label "$KEY" --output-file "$folder/public.der" \
    >/dev/null 2>&1
}

read -r name version verb # the request's first line; the rest of stdin is what it is about
[[ $name == rowseal && $version == 1 ]] || exit 3
case $verb in
  describe)
    public_key || exit 1
    openssl dgst -sha256 -binary "$folder/public.der"
    ;;
  wrap) # to the public half: nothing secret passes the token
    public_key || exit 1
    openssl pkeyutl -encrypt -pubin -keyform DER -inkey "$folder/public.der" \
      -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1 -pkeyopt rsa_mgf1_md:sha1
    ;;
  unwrap)
    cat >"$folder/wrapped"
    if ! "${tool[@]}" --login --pin env:PIN --decrypt --mechanism RSA-PKCS-OAEP --label "$KEY" \
      --hash-algorithm SHA-1 --mgf MGF1-SHA1 --input-file "$folder/wrapped" \
      --output-file "$folder/secret" >"$folder/said" 2>&1; then
      grep -q CKR_DEVICE "$folder/said" && exit 1 # it is away: asking again may help
      grep -q 'C_Decrypt.* failed' "$folder/said" && exit 2
      exit 1
    fi
    cat "$folder/secret"
    ;;
  *) exit 3 ;;
esac
