with shop_sales as (
    select shop_id, sales from {{ ref('sales_by_shop') }}
),
busy as (
    select * from shop_sales where sales > 1
),
again as (
    select shop_sales.shop_id from {{ ref('sales_by_shop') }} as s
    join shop_sales on s.shop_id = shop_sales.shop_id
)
select a.shop_id, b.sales
from again as a
left join busy as b using (shop_id)
order by b.sales desc
