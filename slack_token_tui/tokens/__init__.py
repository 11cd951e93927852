"""Operations on saved tokens: refresh, verify, revoke, rename, import, export."""
