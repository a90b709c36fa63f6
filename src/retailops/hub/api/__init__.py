"""The RetailOps API: versioned JSON actions for vendors, warehouses and tools."""
