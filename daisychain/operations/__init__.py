"""Operations: the doctor, DNS records, backups."""
